"""Words → paths; a path that Segment's engine would follow elsewhere than it seems to lead is refused."""

from __future__ import annotations

import re
from itertools import pairwise

from bridge.to_voucherify.language.fql.conditions import KEYWORDS, Path
from bridge.to_voucherify.language.fql.operators import FIELDS
from bridge.to_voucherify.language.fql.refusals import TriggerError
from bridge.to_voucherify.language.fql.tokens import NAME, Token
from bridge.to_voucherify.language.javascript import OBJECT_MEMBERS, UNREADABLE

_KNOWN = ", ".join(f"{root}.…" if field.nested else root for root, field in FIELDS.items())
_ANOTHER = "ask about another field"

# One name, then the list items it leads to. An escaped dot would separate names all the same.
_NAME = re.compile(r"(?P<name>(?:[A-Za-z0-9_-]|\\[^.\[\]])*)(?P<items>(?:\\\[(?:0|[1-9][0-9]*)\\\])*)", re.DOTALL)


def read_path(word: Token) -> Path:
    """The path a word stands for; raises TriggerError at the word or at one of its names."""
    root, *parts = re.finditer(NAME, word.source)
    field = FIELDS.get(root[0])
    if field is None:
        reason = f"triggers know no field {root[0]:.40}, and Segment skips the condition"
        raise TriggerError(word.position, reason, f"use {_KNOWN}")
    if not field.nested and parts:
        reason = f"{root[0]} has no fields: Segment compares {root[0]} itself"
        raise TriggerError(word.position, reason, f"write {root[0]}")
    if field.nested and not parts:
        reason = f"Segment looks for {root[0]}.{root[0]}"
        raise TriggerError(word.position, reason, f"name a field of {root[0]}, as in {root[0]}.x")
    names = tuple(name for part in parts for name in _read_names(part[0], word.position + part.start()))
    if unreadable := UNREADABLE & set(pairwise(names)):
        reason = f"Segment fails on {'.'.join(min(unreadable))} where it is a function"
        raise TriggerError(word.position, reason, _ANOTHER)
    return Path(root[0], names)


def _read_names(source: str, position: int) -> list[str]:
    r"""Read what stands between dots: `product\ 1`, `products\[0\]` or `\[0\]` are a name, and one for each item."""
    parts = _NAME.fullmatch(source)
    if parts is None:
        raise TriggerError(
            position,
            "a dot or bracket separates names even when it is escaped",
            r"only the items of a list can be written so: products\[0\]",
        )
    if source in KEYWORDS:
        raise TriggerError(position, f"{source} is a keyword, not a name", rf"write \{source}")
    name = re.sub(r"\\(.)", r"\1", parts["name"], flags=re.DOTALL)
    if name in OBJECT_MEMBERS:
        raise TriggerError(position, f"every object has a {name} at Segment", _ANOTHER)
    return [*([name] if name else []), *re.findall(r"[0-9]+", parts["items"])]
