"""The filters, a row each. Those that Segment does not know do nothing there, and here."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote

from bridge.to_voucherify.mapping.errors import Unrendered
from bridge.to_voucherify.mapping.javascript import (
    UNDEFINED,
    WHITE_SPACE,
    as_number,
    is_nothing,
)
from bridge.to_voucherify.mapping.liquidjs import numbers, parts
from bridge.to_voucherify.mapping.liquidjs.dates import date, refuse_date
from bridge.to_voucherify.mapping.liquidjs.printing import check_length, printed
from bridge.to_voucherify.mapping.shapes import encoded


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


def _default(value: Any, default: Any = UNDEFINED, *, allow_false: Any = False) -> Any:
    if isinstance(value, str | list):
        return value or default
    if value is False and not (allow_false is False or is_nothing(allow_false)):
        return False
    return default if value is False or is_nothing(value) else value


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
        "normalize_whitespace": _of_text(lambda value: parts.SPACES.sub(" ", value)),
        "replace": _of_text(parts.replace, 1, 2),
        "replace_first": _of_text(lambda value, pattern, by="": value.replace(pattern, by, 1), 1, 2),
        "replace_last": _of_text(parts.replace_last, 1, 2),
        "remove": _of_text(lambda value, pattern: value.replace(pattern, "") if pattern else value, 1),
        "remove_first": _of_text(lambda value, pattern: value.replace(pattern, "", 1), 1),
        "remove_last": _of_text(parts.replace_last, 1),
        "split": _of_text(parts.split, 1),
        "slice": Row(parts.part, 1, 2),
        "truncate": Row(parts.truncate, 0, 2),
        "truncatewords": Row(parts.truncate_words, 0, 2),
        "escape": _of_text(parts.escape),
        "xml_escape": _of_text(parts.escape),
        "escape_once": _of_text(lambda value: parts.escape(parts.unescape_basic(value))),
        "url_encode": _of_text(lambda value: quote(value, safe=_UNRESERVED).replace("%20", "+")),
        "url_decode": _of_text(parts.decoded),
        "base64_encode": _of_text(lambda value: base64.b64encode(value.encode()).decode()),
        "default": Row(_default, 0, 1, frozenset({"allow_false"})),
        "size": Row(parts.size),
        "first": Row(parts.first_and_last(0)),
        "last": Row(parts.first_and_last(-1)),
        "join": Row(parts.join, 0, 1),
        "compact": Row(lambda value: [item for item in parts.as_list(value) if not is_nothing(item)]),
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
