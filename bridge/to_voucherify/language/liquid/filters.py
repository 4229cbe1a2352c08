"""Declare the filters.

Segment ignores filters that it does not know, and so does the bridge.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote

from bridge.errors import TemplateFailed
from bridge.to_voucherify.language.javascript import UNDEFINED, as_number, encoded, halves, is_nothing, whole
from bridge.to_voucherify.language.liquid import markup, numbers, parts
from bridge.to_voucherify.language.liquid.dates import date, date_to_string, refuse_date
from bridge.to_voucherify.language.liquid.printing import check_length, printed


@dataclass(frozen=True, slots=True)
class Row:
    """A filter.

    Attributes:
        least, most: the number of its arguments.
        named: its named arguments.
        refuse: returns why these constant arguments are refused, or None.
    """

    apply: Callable[..., Any]
    least: int = 0
    most: int = 0
    named: frozenset[str] = frozenset()
    refuse: Callable[[Sequence[str]], str | None] | None = None


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Limit the length of a filter's text, and convert its errors to ``TemplateFailed``."""

    @wraps(function)
    def apply(*arguments: Any, **named: Any) -> Any:
        try:
            result = function(*arguments, **named)
        except (ArithmeticError, ValueError):
            raise TemplateFailed("uses a filter on a value that it cannot take") from None
        if not isinstance(result, str):
            return result
        check_length(len(result))
        return whole(result)

    return apply


def _of_text(function: Callable[..., Any], least: int = 0, most: int | None = None) -> Row:
    """Make the row of a filter of a text whose arguments are texts."""
    return Row(
        lambda value, *more: function(printed(value), *map(printed, more)), least, least if most is None else most
    )


def _of_numbers(function: Callable[..., float], arguments: int = 0) -> Row:
    """Make the row of a filter of a number whose arguments are numbers.

    A value that is not a number counts as 0.
    """
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
        "capitalize": _of_text(lambda value: whole(halves(value)[:1].upper() + whole(halves(value)[1:]).lower())),
        "strip": Row(parts.stripped(str.strip), 0, 1),
        "lstrip": Row(parts.stripped(str.lstrip), 0, 1),
        "rstrip": Row(parts.stripped(str.rstrip), 0, 1),
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
        "escape": _of_text(markup.escape),
        "xml_escape": _of_text(markup.escape),
        "escape_once": _of_text(lambda value: markup.escape(markup.unescape_basic(value))),
        "url_encode": _of_text(lambda value: quote(value, safe=_UNRESERVED).replace("%20", "+")),
        "cgi_escape": _of_text(lambda value: quote(value, safe="").replace("%20", "+")),
        "uri_escape": _of_text(lambda value: quote(value, safe=_UNRESERVED + ";,/?:@&=+$#[]")),
        "slugify": Row(markup.slugify, 0, 2),
        "strip_html": _of_text(markup.strip_html),
        "number_of_words": Row(parts.number_of_words, 0, 1),
        "sha256": _of_text(lambda value: hashlib.sha256(value.encode()).hexdigest()),
        "hmac_sha256": _of_text(lambda value, key: hmac.digest(key.encode(), value.encode(), "sha256").hex(), 1),
        "url_decode": _of_text(markup.decoded),
        "base64_encode": _of_text(lambda value: base64.b64encode(value.encode()).decode()),
        "base64_decode": _of_text(markup.base64_decoded),
        "default": Row(_default, 0, 1, frozenset({"allow_false"})),
        "size": Row(parts.size),
        "first": Row(parts.first_and_last(0)),
        "last": Row(parts.first_and_last(-1)),
        "join": Row(parts.join, 0, 1),
        "compact": Row(lambda value: [item for item in parts.as_list(value) if not is_nothing(item)]),
        "push": Row(lambda value, more: [*parts.as_list(value), more], 1, 1),
        "unshift": Row(lambda value, more: [more, *parts.as_list(value)], 1, 1),
        "pop": Row(lambda value: parts.as_list(value)[:-1]),
        "shift": Row(lambda value: parts.as_list(value)[1:]),
        "sum": Row(parts.total, 0, 1),
        "where": Row(parts.where, 1, 2),
        "json": _JSON,
        "inspect": _JSON,
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
        "date_to_xmlschema": Row(lambda value: date(value, "%Y-%m-%dT%H:%M:%S%:z")),
        "date_to_rfc822": Row(lambda value: date(value, "%a, %d %b %Y %H:%M:%S %z")),
        "date_to_string": Row(date_to_string("%b"), 0, 2),
        "date_to_long_string": Row(date_to_string("%B"), 0, 2),
    }.items()
}
"""By name."""

_SWITCHED_OFF = (
    "array_to_sentence_string concat find find_exp find_index find_index_exp group_by group_by_exp has has_exp map"
    " newline_to_br reject reject_exp reverse sort sort_natural uniq where_exp type"
)
IGNORED_BY_US = {
    **dict.fromkeys(_SWITCHED_OFF.split(), "Segment has switched it off"),
    "sample": "it picks at random, use first or slice",
    "squish": "not every version of Segment's Liquid has it, use strip and normalize_whitespace",
}
"""By name of a filter that works at Segment only: the reason to refuse it."""
