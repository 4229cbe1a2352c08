"""Describe the arguments of directives: their kinds and uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from bridge.to_voucherify.language.javascript import is_falsy, length
from bridge.to_voucherify.language.mapping.paths import Run


class Kind(StrEnum):
    """The kinds of parts of a mapping, named for people."""

    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    NULL = "null"
    OBJECT = "an object"
    LIST = "a list"
    DIRECTIVE = "a directive"


_KINDS = {str: Kind.TEXT, bool: Kind.BOOLEAN, int: Kind.NUMBER, float: Kind.NUMBER, list: Kind.LIST}
ANYTHING = frozenset(Kind)
TEXT, BOOLEAN, LIST = frozenset({Kind.TEXT}), frozenset({Kind.BOOLEAN}), frozenset({Kind.LIST})
TEXT_OR_DIRECTIVE = frozenset({Kind.TEXT, Kind.DIRECTIVE})
OBJECT_OR_DIRECTIVE = frozenset({Kind.OBJECT, Kind.DIRECTIVE})


def kind_of(node: Any) -> Kind | None:
    """Return the kind of a part of a mapping.

    It is None for values that JSON does not have, such as the dates of TOML.
    """
    if node is None:
        return Kind.NULL
    if type(node) is dict:
        return Kind.DIRECTIVE if any(map(is_directive_key, node)) else Kind.OBJECT
    if type(node) is float and not float("-inf") < node < float("inf"):
        return None
    return _KINDS.get(type(node))


def is_directive_key(key: Any) -> bool:
    """Return whether a key is a directive's name."""
    return isinstance(key, str) and key.startswith("@")


class Use(Enum):
    """The use of an argument."""

    PLAIN = "read as it stands"
    VALUE = "resolved, then worked on"
    RESULT = "resolved, and passed on as it is"


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a directive.

    Attributes:
        takes: the kinds that it accepts.
        items: for a list, the kinds that its items accept.
        refuse: returns why a value is refused, or None.
    """

    takes: frozenset[Kind] = ANYTHING
    use: Use = Use.VALUE
    required: bool = False
    items: frozenset[Kind] | None = None
    refuse: Callable[[Any], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a directive in a mapping.

    Attributes:
        path: of the directive, dotted.
        plain: by argument, the value as written.
        runs: by argument, the function that resolves it.
    """

    path: str
    plain: Mapping[str, Any] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)


_MISSING = "must be neither null, false, 0 nor empty: Segment takes that for missing"


def at_most(longest: int, *, at_least: int = 0) -> Callable[[str], str | None]:
    """Refuse texts with more or fewer UTF-16 units."""

    def refuse(text: str) -> str | None:
        if length(text) > longest:
            return f"must have at most {longest:,} characters"
        return f"must have at least {at_least} character" if length(text) < at_least else None

    return refuse


def one_of(*words: str) -> Callable[[str], str | None]:
    """Refuse every other word."""
    choices = " or ".join(f'"{word}"' for word in words)
    return lambda word: None if word in words else f"must be {choices}"


def not_falsy(node: Any) -> str | None:
    """Refuse what Segment treats as missing: null, false, 0 and an empty text."""
    return _MISSING if is_falsy(node) else None
