"""What `value[name]` is to JavaScript where the event holds something else than an object.

Segment's engine walks paths with JavaScript's own look-up: a text and a list have a length and numbered members, and
both, like numbers, inherit functions. So `context.page.search != null` holds where `page` is a text. An object of the
event inherits functions too; a path that would meet those is refused when it is compiled (`OBJECT_MEMBERS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.to_voucherify.language.fql.conditions import INDEX

OBJECT_MEMBERS = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"),
        *("toLocaleString", "toString", "valueOf", "__proto__"),
        *("__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)

# int() raises for thousands of digits; no list is that long.
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Function:
    """An inherited function: neither text, number nor null, so all a condition can tell is that it is there."""

    name: str
    length: int


def _functions(names_by_length: dict[int, str]) -> dict[str, Function]:
    return {name: Function(name, length) for length, names in names_by_length.items() for name in names.split()}


# ECMAScript 2024: the functions' names, by the number of arguments they declare.
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

# Names that raise an error in JavaScript, one read from the other, where the first turns out to be a function.
UNREADABLE = frozenset(
    (name, reader)
    for functions in (_OF_TEXT, _OF_LISTS, _OF_NUMBERS, _OF_FUNCTIONS)
    for name in functions
    for reader in ("arguments", "caller")
)


def member(value: Any, name: str) -> Any:
    """`value[name]` for any JSON value; None where there is nothing, a `Function` where one is inherited.

    A falsy value (null, false, 0, an empty text) is its own member, since the engine stops at it.
    """
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, list):
        return _list_member(value, name)
    if not value:
        return value
    if isinstance(value, str):
        return _text_member(value, name)
    if isinstance(value, Function):
        return getattr(value, name) if name in {"name", "length"} else _OF_FUNCTIONS.get(name)
    return None if isinstance(value, bool) else _OF_NUMBERS.get(name)


def _list_member(items: list[Any], name: str) -> Any:
    if name == "length":
        return len(items)
    if not INDEX.fullmatch(name):
        return _OF_LISTS.get(name)
    return items[int(name)] if len(name) <= _MOST_DIGITS and int(name) < len(items) else None


def _text_member(text: str, name: str) -> Any:
    """JavaScript counts UTF-16 units: an emoji is two of them, each a text of its own."""
    if name != "length" and not INDEX.fullmatch(name):
        return _OF_TEXT.get(name)
    encoded = text.encode("utf-16-le", "surrogatepass")
    units = [encoded[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(encoded), 2)]
    return _list_member(units, name)
