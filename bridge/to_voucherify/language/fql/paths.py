"""Parse words to paths, and refuse paths that mislead.

Segment's engine follows some paths to another place than they name.
"""

from __future__ import annotations

import re
from itertools import pairwise

from bridge.errors import TriggerError
from bridge.to_voucherify.language.fql.conditions import KEYWORDS, Path
from bridge.to_voucherify.language.fql.operators import FIELDS
from bridge.to_voucherify.language.fql.tokens import NAME, Token
from bridge.to_voucherify.language.javascript import FUNCTION_NAMES

OBJECT_MEMBERS = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"),
        *("toLocaleString", "toString", "valueOf", "__proto__"),
        *("__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)
"""The names that every object inherits."""

_UNREADABLE = frozenset({"arguments", "caller"})
"""The members of a function that JavaScript raises an error for."""

_KNOWN = ", ".join(f"{root}.…" if field.nested else root for root, field in FIELDS.items())
_ANOTHER = "use another field"

# A name, then its list items. An escaped dot separates names, too.
_NAME = re.compile(r"(?P<name>(?:[A-Za-z0-9_-]|\\[^.\[\]])*)(?P<items>(?:\\\[(?:0|[1-9][0-9]*)\\\])*)", re.DOTALL)


def read_path(word: Token) -> Path:
    """Parse the path of a word.

    Raises:
        TriggerError: at the word, or at one of its names.
    """
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
    for name, member in pairwise(names):
        if name in FUNCTION_NAMES and member in _UNREADABLE:
            reason = f"Segment fails on {name}.{member} where it is a function"
            raise TriggerError(word.position, reason, _ANOTHER)
    return Path(root[0], names)


def _read_names(source: str, position: int) -> list[str]:
    r"""Parse the part between two dots: a name, and its list items.

    Examples are `product\ 1`, `products\[0\]` and `\[0\]`.
    """
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
