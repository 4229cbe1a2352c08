"""Treat JSON values as JavaScript does: undefined, falsy, paths, printing.

Half a character (a lone surrogate, which an index into a text can return) becomes U+FFFD. The functions that values
inherit are members only to triggers: see ``member_or_function``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from math import isfinite, isnan
from typing import Any, Final


class Undefined(Enum):
    """The type of ``UNDEFINED``, its only value."""

    UNDEFINED = "undefined"

    def __repr__(self) -> str:
        return self.name

    def __liquid__(self) -> None:
        """Return what python-liquid sees: nil."""


UNDEFINED: Final = Undefined.UNDEFINED
"""The absence of a value. It differs from null (None): a key with it is dropped."""

WHITE_SPACE: Final = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""The characters that JavaScript's ``trim()`` removes, unlike ``strip()``."""

LONGEST: Final = 1_000_000
"""The most characters that a directive may write at once.

An event has at most 32 KB. Only a text that is made to multiply is longer.
"""

TOO_LONG: Final = f"makes a text of more than {LONGEST:,} characters"

_PAIRED = re.compile("[^\x00-\uffff]")
_HALF = re.compile("[\ud800-\udfff]")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_MOST_INDEX = 2**32 - 2
_INTEGERS = 2**53
_DECIMAL = re.compile(r"[+-]?(?:Infinity|[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)")
_PREFIXED = re.compile(r"0(?:[xX][0-9a-fA-F]{1,99}|[oO][0-7]{1,99}|[bB][01]{1,99})")
_FIXED, _FRACTION = 21, -6
"""JavaScript prints numbers from 1e21 and below 1e-6 with an exponent."""


def is_nothing(value: Any) -> bool:
    """Return whether a value is undefined or null."""
    return value is None or value is UNDEFINED


def is_falsy(value: Any) -> bool:
    """Return whether ``if`` treats a value as false. Empty lists are true."""
    return value is UNDEFINED or (not value and not isinstance(value, dict | list))


def member(value: Any, name: str) -> Any:
    """Return an own member of a value: one step of a path.

    A path ends at a falsy value, and returns that value.
    """
    if isinstance(value, dict):
        return value.get(name, UNDEFINED)
    if isinstance(value, list):
        if name == "length":
            return len(value)
        return value[int(name)] if _is_index(name) and int(name) < len(value) else UNDEFINED
    if is_falsy(value):
        return value
    if isinstance(value, str):
        return member(units(value), name) if name == "length" or _is_index(name) else UNDEFINED
    return UNDEFINED


@dataclass(frozen=True, slots=True)
class Function:
    """An inherited function, which is neither text, number nor null."""

    name: str
    length: int


def _functions(names_by_length: dict[int, str]) -> dict[str, Function]:
    return {name: Function(name, length) for length, names in names_by_length.items() for name in names.split()}


# ECMAScript 2024: the names of functions, by the number of arguments that each declares. Segment's recorded verdicts
# depend on them: ``context.page.search != null`` holds where ``page`` is a text (trigger_vectors.json).
_OF_TEXT = _functions(
    {
        0: "big blink bold fixed isWellFormed italics normalize small strike sub sup toWellFormed trim trimStart"
        " trimEnd toLocaleLowerCase toLocaleUpperCase toLowerCase toUpperCase",
        1: "anchor at charAt charCodeAt codePointAt concat endsWith fontcolor fontsize includes indexOf lastIndexOf"
        " link localeCompare match matchAll padEnd padStart repeat search startsWith",
        2: "replace replaceAll slice split substr substring",
    }
)
_OF_TEXT |= {"trimLeft": _OF_TEXT["trimStart"], "trimRight": _OF_TEXT["trimEnd"]}
_OF_LISTS = _functions(
    {
        0: "pop reverse shift keys entries values flat toReversed",
        1: "at concat fill find findIndex findLast findLastIndex lastIndexOf push unshift sort includes indexOf join"
        " forEach filter flatMap map every some reduce reduceRight toSorted",
        2: "copyWithin slice splice toSpliced with",
    }
)
_OF_NUMBERS = _functions({1: "toExponential toFixed toPrecision"})
_OF_FUNCTIONS = _functions({1: "bind call", 2: "apply"})
_INHERITED = {str: _OF_TEXT, list: _OF_LISTS, int: _OF_NUMBERS, float: _OF_NUMBERS}

FUNCTION_NAMES = frozenset().union(_OF_TEXT, _OF_LISTS, _OF_NUMBERS, _OF_FUNCTIONS)


def member_or_function(value: Any, name: str) -> Any:
    """Return ``value[name]`` as a trigger finds it; None if there is nothing.

    It is an own member, or a function that a text, a list or a number inherits. For objects only own members are
    returned. A trigger with a name of ``OBJECT_MEMBERS`` is refused.
    """
    if isinstance(value, Function):
        return getattr(value, name) if name in {"name", "length"} else _OF_FUNCTIONS.get(name)
    own = member(value, name)
    return _INHERITED.get(type(value), {}).get(name) if own is UNDEFINED else own


def _is_index(name: str) -> bool:
    return bool(_INDEX.fullmatch(name)) and int(name) <= _MOST_INDEX


def units(text: str) -> list[str]:
    """Split a text into its UTF-16 units, each half of a character as U+FFFD."""
    if text.isascii():
        return list(text)
    return [unit for character in text for unit in ([character] if character <= "\uffff" else ["\ufffd", "\ufffd"])]


def halves(text: str) -> str:
    """Write each character beyond U+FFFF as its two UTF-16 units."""
    return text if text.isascii() else _PAIRED.sub(lambda match: "".join(map(chr, _pair(ord(match[0])))), text)


def whole(text: str) -> str:
    """Join adjacent halves of characters: the opposite of ``halves``."""
    return (
        text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if _HALF.search(text) else text
    )


def _pair(code: int) -> tuple[int, int]:
    return 0xD800 + (code - 0x10000 >> 10), 0xDC00 + (code & 0x3FF)


def length(text: str) -> int:
    """Count the UTF-16 units of a text."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the own members of a value in JavaScript's order.

    Names that are integers come first, in ascending order.
    """
    if isinstance(value, str):
        value = units(value)
    if isinstance(value, list):
        yield from ((str(index), item) for index, item in enumerate(value))
    elif isinstance(value, dict):
        indexes = sorted([name for name in value if name[:1].isdigit() and _is_index(name)], key=int)
        yield from ((name, value[name]) for name in indexes)
        yield from ((name, item) for name, item in value.items() if name not in indexes) if indexes else value.items()


def text(value: Any) -> str:
    """Print a value as ``String()`` does."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if is_nothing(item) else text(item) for item in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    return _CONSTANTS.get(value, "undefined") if not isinstance(value, dict) else "[object Object]"


_CONSTANTS = {True: "true", False: "false", None: "null"}


def as_double(number: float) -> float:
    """Convert a number to a float, as JavaScript stores it.

    So 2**53 + 1 is 2**53, and 10**400 is infinite.
    """
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def as_number(value: Any) -> float:
    """Convert a value as ``Number()`` does, to NaN if it is not a number."""
    if isinstance(value, bool | int | float):
        return as_double(value)
    if value is None:
        return 0.0
    source = text(value).strip(WHITE_SPACE) if value is not UNDEFINED else "undefined"
    if _DECIMAL.fullmatch(source):
        return float(source)
    return as_double(int(source, 0)) if _PREFIXED.fullmatch(source) else 0.0 if not source else float("nan")


def number_text(number: float) -> str:
    """Print a number: ``1.0`` → ``1``, ``1e-07`` → ``1e-7``."""
    if isinstance(number, int) and abs(number) <= _INTEGERS:
        return str(number)
    double = as_double(number)
    if not isfinite(double):
        return "NaN" if isnan(double) else "Infinity" if double > 0 else "-Infinity"
    if double == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(double)).normalize().as_tuple()
    return "-" * sign + _unsigned("".join(map(str, digits)), int(exponent) + len(digits))


def _unsigned(digits: str, point: int) -> str:
    """Print digits with the decimal point at a position."""
    if len(digits) <= point <= _FIXED:
        return digits.ljust(point, "0")
    if 0 < point <= _FIXED:
        return f"{digits[:point]}.{digits[point:]}"
    if _FRACTION < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+}"


def without_undefined(value: Any, in_lists: Any = None) -> Any:
    """Remove the keys that hold UNDEFINED, at any depth.

    An item of a list becomes ``in_lists`` instead.
    """
    if isinstance(value, dict):
        return {name: without_undefined(item, in_lists) for name, item in value.items() if item is not UNDEFINED}
    if isinstance(value, list):
        return [in_lists if item is UNDEFINED else without_undefined(item, in_lists) for item in value]
    return value


KINDS = {str: "text", bool: "a boolean", int: "a number", float: "a number", dict: "an object", list: "a list"}
"""By type, the name for people. UNDEFINED and null have none."""


def kind(value: Any) -> str:
    """Name the kind of a value without the value."""
    return KINDS.get(type(value), "null" if value is None else "undefined")


def encoded(value: Any) -> Any:
    """Write JSON as JavaScript does.

    It is compact, prints numbers as JavaScript, and has names that are integers first.
    """
    return UNDEFINED if value is UNDEFINED else "".join(_written(value))


def _written(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield json.dumps(value, ensure_ascii=False)
        case bool():
            yield "true" if value else "false"
        case int() | float():
            yield number_text(value) if isfinite(as_double(value)) else "null"
        case list():
            yield "["
            for index, item in enumerate(value):
                yield "," * (index > 0)
                yield from _written(item)
            yield "]"
        case dict():
            yield "{"
            for index, (name, item) in enumerate(entry for entry in entries(value) if entry[1] is not UNDEFINED):
                yield f"{',' * (index > 0)}{json.dumps(name, ensure_ascii=False)}:"
                yield from _written(item)
            yield "}"
        case _:
            yield "null"
