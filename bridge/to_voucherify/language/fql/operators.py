"""What each operator asks of the value it finds, and which field takes which operators: two tables.

An operator is told apart by its sign and by the kind of its operand, since `= "5"`, `= 5` and `= null` ask differently.
Negated operators want a value of their own kind: `!= 5`, `!contains` and `!match` fail where there is no number or
text to look at, while `!= "x"` holds for everything that is not that text, a missing value included.
"""

from __future__ import annotations

import operator as compare
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Any, NamedTuple

from bridge.to_voucherify.language.javascript import as_double

Operand = str | float | bool | None
Test = Callable[[Any], bool]
Kind = type[str] | type[float] | type[bool] | type[None]


@dataclass(frozen=True, slots=True)
class Operator:
    """A row: the sign, the kind of operand it takes, how it makes a test of an operand, how it is written."""

    sign: str
    takes: Kind
    test: Callable[[Any], Test]
    form: str = "{path} {sign} {operand}"


def _numbers(holds: Callable[[float, float], bool]) -> Callable[[float], Test]:
    """A test that fails for everything but numbers."""
    return lambda wanted: lambda found: _is_number(found) and holds(as_double(found), wanted)


def _texts(holds: Callable[[str, str], bool]) -> Callable[[str], Test]:
    """A test that fails for everything but text."""
    return lambda wanted: lambda found: isinstance(found, str) and holds(found, wanted)


def _matches(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text.endswith(pattern[1:])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CALL = "{sign}({path}, {operand})"

OPERATORS = {
    (row.sign, row.takes): row
    for row in (
        Operator("=", str, lambda wanted: lambda found: bool(found == wanted)),
        Operator("!=", str, lambda wanted: lambda found: bool(found != wanted)),
        Operator("=", float, _numbers(compare.eq)),
        Operator("!=", float, _numbers(compare.ne)),
        Operator("<", float, _numbers(compare.lt)),
        Operator("<=", float, _numbers(compare.le)),
        Operator(">", float, _numbers(compare.gt)),
        Operator(">=", float, _numbers(compare.ge)),
        Operator("=", bool, lambda wanted: lambda found: found is wanted),
        Operator("=", NoneType, lambda _: lambda found: found is None),
        Operator("!=", NoneType, lambda _: lambda found: found is not None),
        Operator("contains", str, _texts(lambda text, part: part in text), _CALL),
        Operator("!contains", str, _texts(lambda text, part: part not in text), _CALL),
        Operator("match", str, _texts(_matches), _CALL),
        Operator("!match", str, _texts(lambda text, pattern: not _matches(text, pattern)), _CALL),
    )
}

SIGNS = frozenset({"=", "!=", "<", "<=", ">", ">="})
FUNCTIONS = frozenset({"contains", "match"})

Keys = frozenset[tuple[str, Kind]]

_EVERYTHING: Keys = frozenset(OPERATORS)
_EQUALITY: Keys = frozenset({("=", str), ("!=", str)})
_SEARCH: Keys = frozenset(key for key in OPERATORS if key[0] not in SIGNS)
_PRESENCE: Keys = frozenset({("=", NoneType), ("!=", NoneType)})


class Field(NamedTuple):
    """A field that triggers can look at: whether a path goes on below it, and the operators it takes."""

    nested: bool
    takes: Keys


FIELDS = {
    "type": Field(nested=False, takes=_EQUALITY),
    "event": Field(nested=False, takes=_EQUALITY | _SEARCH),
    "name": Field(nested=False, takes=_EQUALITY | _SEARCH | _PRESENCE),
    "userId": Field(nested=False, takes=_EQUALITY | _SEARCH | _PRESENCE | {("=", bool)}),
    "properties": Field(nested=True, takes=_EVERYTHING),
    "traits": Field(nested=True, takes=_EVERYTHING),
    "context": Field(nested=True, takes=_EVERYTHING),
}


def kind(operand: Operand) -> Kind:
    """The kind that tells an operator's rows apart: str, float, bool or None's type."""
    return type(operand)
