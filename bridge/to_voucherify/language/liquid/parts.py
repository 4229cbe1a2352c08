"""Filter texts and lists: cut, replace, escape and count."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from bridge.to_voucherify.language.javascript import (
    UNDEFINED,
    WHITE_SPACE,
    as_number,
    halves,
    is_falsy,
    is_nothing,
    length,
    member,
    text,
    units,
)
from bridge.to_voucherify.language.liquid.printing import check_length, printed

SPACES = re.compile(f"[{WHITE_SPACE}]+")


def _slice(items: Any, begin: Any, end: Any) -> Any:
    """Slice as JavaScript does.

    A negative bound counts from the end. A bound that is not a number is 0.
    """
    first, last = (_position(bound, len(items)) for bound in (begin, end))
    return items[first:last]


def _position(bound: Any, size: int) -> int:
    number = as_number(bound)
    if math.isnan(number):
        return 0
    number = max(-size, min(number, size))
    return math.trunc(number) if number >= 0 else max(size + math.trunc(number), 0)


def _plus(left: Any, right: Any) -> Any:
    """Add as ``+`` does. Texts are joined."""
    if isinstance(left, str | list | dict) or isinstance(right, str | list | dict):
        return _plus_text(left) + _plus_text(right)
    return as_number(left) + as_number(right)


def _plus_text(value: Any) -> str:
    return "undefined" if value is UNDEFINED else "null" if value is None else text(value)


def replace(value: str, pattern: str, replacement: str = "") -> str:
    """Replace every match of a pattern.

    An empty pattern matches between all UTF-16 units.
    """
    parts = value.split(pattern) if pattern else list(halves(value))
    check_length(sum(map(len, parts)) + len(replacement) * (len(parts) - 1))
    return replacement.join(parts)


def replace_last(value: str, pattern: str, replacement: str = "") -> str:
    """Replace the last match of a pattern."""
    at = value.rfind(pattern)
    return value if at < 0 else value[:at] + replacement + value[at + len(pattern) :]


def split(value: str, separator: str = "") -> list[str]:
    """Split a text at separators, without empty parts at the end."""
    parts = value.split(separator) if separator else list(halves(value))
    while parts and not parts[-1]:
        parts.pop()
    return parts


def stripped(strip: Callable[[str, str], str]) -> Callable[..., str]:
    """Make the filter that removes white space, or other characters, at the ends.

    As in liquidjs, which searches UTF-16 units, characters beyond U+FFFF are never removed.
    """

    def apply(value: Any, these: Any = UNDEFINED) -> str:
        characters = WHITE_SPACE if is_falsy(these) else "".join(one for one in printed(these) if one <= "\uffff")
        return strip(printed(value), characters)

    return apply


def part(value: Any, begin: Any, size: Any = UNDEFINED) -> Any:
    """Cut a part out of a text or a list.

    A negative index counts from the end.
    """
    if is_nothing(value):
        return []
    items = value if isinstance(value, list) else halves(printed(value))
    size = 1 if size is UNDEFINED else size
    begin = _plus(len(items), begin) if as_number(begin) < 0 else begin
    if as_number(begin) < 0 or as_number(size) < 0:
        return items[:0]
    return _slice(items, begin, _plus(begin, size))


def truncate(value: Any, most: Any = UNDEFINED, end: Any = UNDEFINED) -> Any:
    """Cut a long text, and append an ending.

    Other values stay as they are.
    """
    source, end = halves(printed(value)), "..." if end is UNDEFINED else printed(end)
    count = as_number(50 if most is UNDEFINED else most)
    return value if len(source) <= count else _slice(source, 0, max(count - length(end), 0)) + end


def truncate_words(value: Any, most: Any = UNDEFINED, end: Any = UNDEFINED) -> str:
    """Cut a text after some words, and append an ending.

    The ending is appended even if the text has exactly so many words.
    """
    words, count = SPACES.split(printed(value)), as_number(15 if most is UNDEFINED else most)
    count = 1 if count <= 0 else count
    ending = "..." if end is UNDEFINED else printed(end)
    return " ".join(_slice(words, 0, count)) + (ending if len(words) >= count else "")


def first_and_last(at: int) -> Callable[[Any], Any]:
    """Make the filter that returns one item of a list, or one unit of a text."""

    def pick(value: Any) -> Any:
        items = units(value) if value and isinstance(value, str) else value
        return (items[at] if items else UNDEFINED) if isinstance(items, list) else ""

    return pick


def as_list(value: Any) -> list[Any]:
    """Convert a value to a list."""
    return [] if is_nothing(value) else value if isinstance(value, list) else [value]


def join(value: Any, separator: Any = UNDEFINED) -> str:
    """Print the items of a list, with a separator between."""
    items = ["" if is_nothing(item) else text(item) for item in as_list(value) if value != ""]
    between = " " if is_nothing(separator) else printed(separator)
    check_length(sum(map(len, items)) + len(between) * len(items))
    return between.join(items)


def size(value: Any) -> Any:
    """Count the units of a text, or the items of a list."""
    count = member(value, "length")
    return 0 if is_falsy(value) or is_falsy(count) else count


def number_of_words(value: Any, mode: Any = UNDEFINED) -> int:
    """Count words.

    White space separates words. In the modes cjk and auto each Chinese, Japanese or Korean character is a word.
    """
    source = printed(value).strip(WHITE_SPACE)
    if mode == "cjk" or (mode == "auto" and _CJK.search(source)):
        return len(_CJK.findall(source)) + len(_NOT_CJK.findall(source))
    return len(SPACES.split(source)) if source else 0


def total(value: Any, name: Any = UNDEFINED) -> float:
    """Add the numbers of a list, or those under a name in its items.

    A value that is not a number counts as 0.
    """
    numbers = [as_number(item if is_falsy(name) else _below(item, name)) for item in as_list(value)]
    return sum(0.0 if math.isnan(number) else number for number in numbers)


def _below(item: Any, name: Any) -> Any:
    for step in printed(name).split("."):
        item = lookup(item, step)
    return item


def where(value: Any, name: Any, target: Any = UNDEFINED) -> list[Any]:
    """Filter a list by the value under a name in its items.

    Items stay if they have a value there, or ``target``.

    Raises:
        ValueError: the name is more than names with dots between them.
    """
    steps = printed(name)
    if not _NAMES.fullmatch(steps) or steps in _LITERALS:
        raise ValueError
    items = as_list(value)
    values = [_below(item, steps) if isinstance(item, dict | list | str) else UNDEFINED for item in items]
    return [
        item
        for item, one in zip(items, values, strict=True)
        if (not (is_nothing(one) or one is False) if target is UNDEFINED else equals(one, target))
    ]


_NAMES = re.compile(r"[A-Za-z_][\w-]*(?:[.][A-Za-z_][\w-]*)*", re.ASCII)
_LITERALS = frozenset({"true", "false", "nil", "null", "empty", "blank"})


def equals(left: Any, right: Any) -> bool:
    """Compare as ``===`` does, but lists item by item."""
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(equals, left, right))
    if isinstance(left, dict):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def lookup(value: Any, key: Any) -> Any:
    """Look up one step of a path.

    Unlike in mappings, a path continues at 0 and "", and -1 is the last item of a list.
    """
    if is_nothing(value):
        return value
    if isinstance(value, list) and type(key) is int and key < 0:
        key += len(value)
    name = printed(key)
    item = member([] if value == "" else value, name) if isinstance(value, str | list | dict) else UNDEFINED
    return _COUNTED[name](value) if item is UNDEFINED and name in _COUNTED else item


_COUNTED: dict[str, Callable[[Any], Any]] = {
    "size": lambda value: len(value) if isinstance(value, dict) else lookup(value, "length"),
    "first": lambda value: value[0] if isinstance(value, list) and value else UNDEFINED,
    "last": lambda value: value[-1] if isinstance(value, list) and value else UNDEFINED,
}
"""Names that every value of a kind has without being members."""

_CJK_RANGES = "\u4e00-\u9fff\uf900-\ufaff\u3400-\u4dbf\u3040-\u309f\u30a0-\u30ff\uac00-\ud7af"
_CJK, _NOT_CJK = re.compile(f"[{_CJK_RANGES}]"), re.compile(f"[^{_CJK_RANGES}{WHITE_SPACE}]+")
