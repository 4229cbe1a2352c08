"""What the filters make of texts and lists: parts, replaced, escaped, counted."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from bridge.to_voucherify.mapping.javascript import (
    UNDEFINED,
    WHITE_SPACE,
    as_number,
    is_falsy,
    is_nothing,
    member,
    text,
    units,
)
from bridge.to_voucherify.mapping.liquidjs.printing import LONGEST, check_length, printed

SPACES = re.compile(f"[{WHITE_SPACE}]+")


def _count(value: Any, default: float) -> int:
    """An argument that counts characters or items, as far as there can be any."""
    wanted = default if value is UNDEFINED else as_number(value)
    return 0 if math.isnan(wanted) else math.ceil(max(-LONGEST, min(wanted, LONGEST)))


def replace(value: str, pattern: str, replacement: str = "") -> str:
    """Every one; an empty pattern is between all characters."""
    parts = value.split(pattern) if pattern else list(value)
    check_length(sum(map(len, parts)) + len(replacement) * (len(parts) - 1))
    return replacement.join(parts)


def replace_last(value: str, pattern: str, replacement: str = "") -> str:
    """The last one only."""
    at = value.rfind(pattern)
    return value if at < 0 else value[:at] + replacement + value[at + len(pattern) :]


def split(value: str, separator: str = "") -> list[str]:
    """The parts between separators, without empty ones at the end."""
    parts = value.split(separator) if separator else list(value)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def part(value: Any, begin: Any, size: Any = UNDEFINED) -> Any:
    """A part of a text or a list, from an index, or counted from the end."""
    if is_nothing(value):
        return []
    items = value if isinstance(value, list) else printed(value)
    first, many = _count(begin, 0), _count(size, 1)
    first += len(items) if first < 0 else 0
    return items[first : first + many] if first >= 0 and many >= 0 else items[:0]


def truncate(value: Any, most: Any = UNDEFINED, end: Any = "...") -> Any:
    """The begin of a text that is too long, and an ending; of others, the value itself."""
    written, count, end = printed(value), _count(most, 50), printed(end)
    return value if len(written) <= max(count, 0) else written[: max(count - len(end), 0)] + end


def truncate_words(value: Any, most: Any = UNDEFINED, end: Any = "...") -> str:
    """The first words of a text, and an ending if there are as many or more."""
    words, count = SPACES.split(printed(value).lstrip(WHITE_SPACE)), max(_count(most, 15), 1)
    return " ".join(words[:count]) + (printed(end) if len(words) >= count else "")


def first_and_last(at: int) -> Callable[[Any], Any]:
    """One item of a list, or unit of a text."""

    def pick(value: Any) -> Any:
        items = units(value) if value and isinstance(value, str) else value
        return (items[at] if items else UNDEFINED) if isinstance(items, list) else ""

    return pick


def as_list(value: Any) -> list[Any]:
    """A list, made of whatever it is."""
    return [] if is_nothing(value) else value if isinstance(value, list) else [value]


def join(value: Any, separator: Any = UNDEFINED) -> str:
    """The items of a list, printed, with a separator between."""
    items = ["" if is_nothing(item) else text(item) for item in as_list(value) if value != ""]
    between = " " if is_nothing(separator) else printed(separator)
    check_length(sum(map(len, items)) + len(between) * len(items))
    return between.join(items)


def size(value: Any) -> Any:
    """The units of a text, the items of a list."""
    found = member(value, "length")
    return 0 if is_falsy(value) or is_falsy(found) else found


def decoded(value: str) -> str:
    """What a part of a URL says."""
    if re.search("%(?![0-9A-Fa-f]{2})", value):
        raise ValueError
    return unquote(value.replace("+", " "), errors="strict")


def escape(value: str) -> str:
    """As in HTML."""
    return html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def unescape_basic(value: str) -> str:
    """Back to what was escaped."""
    return re.sub("&(amp|lt|gt|#34|#39);", lambda found: html.unescape(found[0]), value)
