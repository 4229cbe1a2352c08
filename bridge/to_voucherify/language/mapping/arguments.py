"""What stands behind a directive's name: which arguments it takes, of which kinds, and what each is used for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from bridge.to_voucherify.language.javascript import is_falsy, length
from bridge.to_voucherify.language.mapping.paths import Run


class Kind(StrEnum):
    """What a part of a mapping can be, as people name it."""

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
    """The kind of a part of a mapping; None for what JSON does not have, such as the dates of TOML."""
    if node is None:
        return Kind.NULL
    if type(node) is dict:
        return Kind.DIRECTIVE if any(map(is_directive_key, node)) else Kind.OBJECT
    if type(node) is float and not float("-inf") < node < float("inf"):
        return None
    return _KINDS.get(type(node))


def is_directive_key(key: Any) -> bool:
    """Whether a key is a directive's name."""
    return isinstance(key, str) and key.startswith("@")


class Use(Enum):
    """What an argument is for."""

    PLAIN = "read as it stands"
    VALUE = "resolved, then worked on"
    RESULT = "resolved, and passed on as it is"


@dataclass(frozen=True, slots=True)
class Argument:
    """A row: the kinds it takes (of a list: also its items), what more is asked of it (None, or why it is refused)."""

    takes: frozenset[Kind] = ANYTHING
    use: Use = Use.VALUE
    required: bool = False
    items: frozenset[Kind] | None = None
    refuse: Callable[[Any], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Given:
    """A directive's arguments as they are given, and where it stands.

    Attributes:
        path: of the directive, dotted.
        plain: by argument, what is written.
        runs: by argument, the function that resolves it.
    """

    path: str
    plain: Mapping[str, Any] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)


_MISSING = "must be neither null, false, 0 nor empty: Segment takes that for missing"


def at_most(longest: int, *, at_least: int = 0) -> Callable[[str], str | None]:
    """Refuse texts of fewer or more UTF-16 units."""

    def refuse(text: str) -> str | None:
        if length(text) > longest:
            return f"must have at most {longest:,} characters"
        return f"must have at least {at_least} character" if length(text) < at_least else None

    return refuse


def one_of(*words: str) -> Callable[[str], str | None]:
    """Refuse every other word."""
    told = " or ".join(f'"{word}"' for word in words)
    return lambda word: None if word in words else f"must be {told}"


def not_falsy(node: Any) -> str | None:
    """Refuse what Segment takes for missing: null, false, 0 and an empty text."""
    return _MISSING if is_falsy(node) else None
