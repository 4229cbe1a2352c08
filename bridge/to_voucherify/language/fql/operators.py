"""Declare the operators with their tests, and the operators of each field.

Sign and operand type together identify an operator: `= "5"`, `= 5` and `= null` differ. Negated operators need a value
of their own kind. So `!= 5`, `!contains` and `!match` fail without a number or text. But `!= "x"` holds for every other
value and for a missing one.
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
    """An operator: its sign, the type of its operand, its test and its form in source.

    ``test`` makes the test of a value from an operand.
    """

    sign: str
    takes: Kind
    test: Callable[[Any], Test]
    form: str = "{path} {sign} {operand}"


def _numbers(holds: Callable[[float, float], bool]) -> Callable[[float], Test]:
    """Make a test that fails for every value but numbers."""
    return lambda operand: lambda value: _is_number(value) and holds(as_double(value), operand)


def _texts(holds: Callable[[str, str], bool]) -> Callable[[str], Test]:
    """Make a test that fails for every value but texts."""
    return lambda operand: lambda value: isinstance(value, str) and holds(value, operand)


def _matches(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text.endswith(pattern[1:])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CALL = "{sign}({path}, {operand})"

OPERATORS = {
    (row.sign, row.takes): row
    for row in (
        Operator("=", str, lambda operand: lambda value: bool(value == operand)),
        Operator("!=", str, lambda operand: lambda value: bool(value != operand)),
        Operator("=", float, _numbers(compare.eq)),
        Operator("!=", float, _numbers(compare.ne)),
        Operator("<", float, _numbers(compare.lt)),
        Operator("<=", float, _numbers(compare.le)),
        Operator(">", float, _numbers(compare.gt)),
        Operator(">=", float, _numbers(compare.ge)),
        Operator("=", bool, lambda operand: lambda value: value is operand),
        Operator("=", NoneType, lambda _: lambda value: value is None),
        Operator("!=", NoneType, lambda _: lambda value: value is not None),
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
    """A field that triggers can look at.

    ``nested`` fields have names below them. ``takes`` are the operators of the field.
    """

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
    """Return the type that identifies the operator: str, float, bool or NoneType."""
    return type(operand)
