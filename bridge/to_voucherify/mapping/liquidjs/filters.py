"""The filters, a row each. Those that Segment does not know do nothing there, and here."""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote, unquote

from bridge.to_voucherify.mapping.errors import Unrendered
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
from bridge.to_voucherify.mapping.liquidjs import numbers
from bridge.to_voucherify.mapping.liquidjs.dates import date, refuse_date
from bridge.to_voucherify.mapping.shapes import encoded

LONGEST = 100_000
"""Characters that a template may make at once."""

_SPACES = re.compile(f"[{WHITE_SPACE}]+")


def printed(value: Any) -> str:
    """A value as a template prints it: nothing for nothing, the items of a list one after the other."""
    if isinstance(value, list):
        return "".join(map(printed, value))
    return "" if is_nothing(value) else text(value)


@dataclass(frozen=True, slots=True)
class Row:
    """What a filter does, with how many arguments, and which named ones; why one with these texts is refused."""

    apply: Callable[..., Any]
    least: int = 0
    most: int = 0
    named: frozenset[str] = frozenset()
    refuse: Callable[[Sequence[str]], str | None] | None = None


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """No filter makes a text that is too long, nor fails otherwise than defined."""

    @wraps(function)
    def apply(*arguments: Any, **named: Any) -> Any:
        try:
            made = function(*arguments, **named)
        except (ArithmeticError, ValueError):
            raise Unrendered("uses a filter on a value that it cannot take") from None
        if isinstance(made, str):
            check_length(len(made))
        return made

    return apply


def check_length(made: int) -> None:
    """Raises ``Unrendered`` for more characters than a text may have."""
    if made > LONGEST:
        raise Unrendered(f"makes a text of more than {LONGEST:,} characters")


def _of_text(function: Callable[..., Any], least: int = 0, most: int | None = None) -> Row:
    """A filter of a text whose arguments are texts."""
    return Row(
        lambda value, *more: function(printed(value), *map(printed, more)), least, least if most is None else most
    )


def _of_numbers(function: Callable[..., float], arguments: int = 0) -> Row:
    """A filter of a number whose arguments are numbers; what is none is 0."""
    return Row(lambda *values: function(*map(_number, values)), arguments, arguments)


def _number(value: Any) -> float:
    number = as_number(value)
    return 0.0 if math.isnan(number) else number


def _count(value: Any, default: float) -> int:
    """An argument that counts characters or items, from 0 to the most there can be."""
    wanted = default if value is UNDEFINED else as_number(value)
    return 0 if math.isnan(wanted) else math.ceil(max(-LONGEST, min(wanted, LONGEST)))


def _replace(value: str, pattern: str, replacement: str = "") -> str:
    parts = value.split(pattern) if pattern else list(value)
    check_length(sum(map(len, parts)) + len(replacement) * (len(parts) - 1))
    return replacement.join(parts)


def _replace_last(value: str, pattern: str, replacement: str = "") -> str:
    at = value.rfind(pattern)
    return value if at < 0 else value[:at] + replacement + value[at + len(pattern) :]


def _split(value: str, separator: str = "") -> list[str]:
    parts = value.split(separator) if separator else list(value)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _slice(value: Any, begin: Any, size: Any = UNDEFINED) -> Any:
    if is_nothing(value):
        return []
    items = value if isinstance(value, list) else printed(value)
    first, many = _count(begin, 0), _count(size, 1)
    first += len(items) if first < 0 else 0
    return items[first : first + many] if first >= 0 and many >= 0 else items[:0]


def _truncate(value: Any, most: Any = UNDEFINED, end: Any = "...") -> Any:
    written, count, end = printed(value), _count(most, 50), printed(end)
    return value if len(written) <= max(count, 0) else written[: max(count - len(end), 0)] + end


def _truncate_words(value: Any, most: Any = UNDEFINED, end: Any = "...") -> str:
    words, count = _SPACES.split(printed(value).lstrip(WHITE_SPACE)), max(_count(most, 15), 1)
    return " ".join(words[:count]) + (printed(end) if len(words) >= count else "")


def _default(value: Any, default: Any = UNDEFINED, *, allow_false: Any = False) -> Any:
    if isinstance(value, str | list):
        return value or default
    if value is False and not (allow_false is False or is_nothing(allow_false)):
        return False
    return default if value is False or is_nothing(value) else value


def _first_and_last(at: int) -> Callable[[Any], Any]:
    def pick(value: Any) -> Any:
        items = units(value) if value and isinstance(value, str) else value
        return (items[at] if items else UNDEFINED) if isinstance(items, list) else ""

    return pick


def _items(value: Any) -> list[Any]:
    return [] if is_nothing(value) else value if isinstance(value, list) else [value]


def _join(value: Any, separator: Any = UNDEFINED) -> str:
    items = ["" if is_nothing(item) else text(item) for item in _items(value) if value != ""]
    between = " " if is_nothing(separator) else printed(separator)
    check_length(sum(map(len, items)) + len(between) * len(items))
    return between.join(items)


def _size(value: Any) -> Any:
    found = member(value, "length")
    return 0 if is_falsy(value) or is_falsy(found) else found


def _decoded(value: str) -> str:
    if re.search("%(?![0-9A-Fa-f]{2})", value):
        raise ValueError
    return unquote(value.replace("+", " "), errors="strict")


def _escape(value: str) -> str:
    return html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _unescape_basic(value: str) -> str:
    return re.sub("&(amp|lt|gt|#34|#39);", lambda found: html.unescape(found[0]), value)


_JSON = Row(encoded)
_UNRESERVED = "-_.!~*'()"

FILTERS = {
    name: Row(_bounded(row.apply), row.least, row.most, row.named, row.refuse)
    for name, row in {
        "append": _of_text(lambda value, more: value + more, 1),
        "prepend": _of_text(lambda value, more: more + value, 1),
        "upcase": _of_text(str.upper),
        "downcase": _of_text(str.lower),
        "capitalize": _of_text(lambda value: value[:1].upper() + value[1:].lower()),
        "strip": _of_text(lambda value: value.strip(WHITE_SPACE)),
        "lstrip": _of_text(lambda value: value.lstrip(WHITE_SPACE)),
        "rstrip": _of_text(lambda value: value.rstrip(WHITE_SPACE)),
        "strip_newlines": _of_text(lambda value: re.sub(r"\r?\n", "", value)),
        "normalize_whitespace": _of_text(lambda value: _SPACES.sub(" ", value)),
        "replace": _of_text(_replace, 1, 2),
        "replace_first": _of_text(lambda value, pattern, by="": value.replace(pattern, by, 1), 1, 2),
        "replace_last": _of_text(_replace_last, 1, 2),
        "remove": _of_text(lambda value, pattern: value.replace(pattern, "") if pattern else value, 1),
        "remove_first": _of_text(lambda value, pattern: value.replace(pattern, "", 1), 1),
        "remove_last": _of_text(_replace_last, 1),
        "split": _of_text(_split, 1),
        "slice": Row(_slice, 1, 2),
        "truncate": Row(_truncate, 0, 2),
        "truncatewords": Row(_truncate_words, 0, 2),
        "escape": _of_text(_escape),
        "xml_escape": _of_text(_escape),
        "escape_once": _of_text(lambda value: _escape(_unescape_basic(value))),
        "url_encode": _of_text(lambda value: quote(value, safe=_UNRESERVED).replace("%20", "+")),
        "url_decode": _of_text(_decoded),
        "base64_encode": _of_text(lambda value: base64.b64encode(value.encode()).decode()),
        "default": Row(_default, 0, 1, frozenset({"allow_false"})),
        "size": Row(_size),
        "first": Row(_first_and_last(0)),
        "last": Row(_first_and_last(-1)),
        "join": Row(_join, 0, 1),
        "compact": Row(lambda value: [item for item in _items(value) if not is_nothing(item)]),
        "json": _JSON,
        "jsonify": _JSON,
        "raw": Row(lambda value: value),
        "abs": _of_numbers(abs),
        "ceil": _of_numbers(numbers.whole(math.ceil)),
        "floor": _of_numbers(numbers.whole(math.floor)),
        "round": Row(lambda value, digits=0: numbers.rounded(_number(value), _number(digits)), 0, 1),
        "plus": _of_numbers(lambda number, more: number + more, 1),
        "minus": _of_numbers(lambda number, less: number - less, 1),
        "times": _of_numbers(lambda number, by: number * by, 1),
        "divided_by": _of_numbers(numbers.divide, 1),
        "modulo": _of_numbers(numbers.remainder, 1),
        "at_least": _of_numbers(max, 1),
        "at_most": _of_numbers(min, 1),
        "to_integer": Row(as_number),
        "date": Row(date, 0, 1, refuse=refuse_date),
    }.items()
}
"""By name."""

_SWITCHED_OFF = (
    "array_to_sentence_string concat find find_exp find_index find_index_exp group_by group_by_exp has has_exp map"
    " newline_to_br reject reject_exp reverse sort sort_natural uniq where_exp type"
)
_NOT_HERE = (
    "strip_html cgi_escape uri_escape slugify sum push unshift pop shift where sample date_to_xmlschema date_to_rfc822"
    " date_to_string date_to_long_string squish number_of_words base64_decode sha256 hmac_sha256 inspect"
)
IGNORED_BY_US = {
    **dict.fromkeys(_SWITCHED_OFF.split(), "Segment has switched it off"),
    **dict.fromkeys(_NOT_HERE.split(), "the bridge does not know it"),
}
"""Filters that mean something to Segment and nothing here, with the reason to refuse them."""
