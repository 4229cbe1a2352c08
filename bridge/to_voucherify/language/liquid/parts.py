"""What the filters make of texts and lists: parts, replaced, escaped, counted."""

from __future__ import annotations

import base64
import html
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

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
    """As JavaScript's ``slice``: from the end where negative, and 0 where it is no number."""
    first, last = (_position(bound, len(items)) for bound in (begin, end))
    return items[first:last]


def _position(bound: Any, size: int) -> int:
    number = as_number(bound)
    if math.isnan(number):
        return 0
    number = max(-size, min(number, size))
    return math.trunc(number) if number >= 0 else max(size + math.trunc(number), 0)


def _plus(left: Any, right: Any) -> Any:
    """As ``+`` adds: texts are joined."""
    if isinstance(left, str | list | dict) or isinstance(right, str | list | dict):
        return _plus_text(left) + _plus_text(right)
    return as_number(left) + as_number(right)


def _plus_text(value: Any) -> str:
    return "undefined" if value is UNDEFINED else "null" if value is None else text(value)


def replace(value: str, pattern: str, replacement: str = "") -> str:
    """Replace every one; an empty pattern is between all UTF-16 units."""
    parts = value.split(pattern) if pattern else list(halves(value))
    check_length(sum(map(len, parts)) + len(replacement) * (len(parts) - 1))
    return replacement.join(parts)


def replace_last(value: str, pattern: str, replacement: str = "") -> str:
    """The last one only."""
    at = value.rfind(pattern)
    return value if at < 0 else value[:at] + replacement + value[at + len(pattern) :]


def split(value: str, separator: str = "") -> list[str]:
    """The parts between separators, without empty ones at the end."""
    parts = value.split(separator) if separator else list(halves(value))
    while parts and not parts[-1]:
        parts.pop()
    return parts


def stripped(strip: Callable[[str, str], str]) -> Callable[..., str]:
    """Make the filter that removes white space, or these characters, at one end or both.

    Of the characters, those beyond U+FFFF are never found: liquidjs looks for them among UTF-16 units.
    """

    def apply(value: Any, these: Any = UNDEFINED) -> str:
        wanted = WHITE_SPACE if is_falsy(these) else "".join(one for one in printed(these) if one <= "\uffff")
        return strip(printed(value), wanted)

    return apply


def part(value: Any, begin: Any, size: Any = UNDEFINED) -> Any:
    """Cut out of a text or a list, from an index, or counted from the end."""
    if is_nothing(value):
        return []
    items = value if isinstance(value, list) else halves(printed(value))
    size = 1 if size is UNDEFINED else size
    begin = _plus(len(items), begin) if as_number(begin) < 0 else begin
    if as_number(begin) < 0 or as_number(size) < 0:
        return items[:0]
    return _slice(items, begin, _plus(begin, size))


def truncate(value: Any, most: Any = UNDEFINED, end: Any = UNDEFINED) -> Any:
    """Cut a text that is too long, and put an ending there; any other value stays."""
    written, end = halves(printed(value)), "..." if end is UNDEFINED else printed(end)
    count = as_number(50 if most is UNDEFINED else most)
    return value if len(written) <= count else _slice(written, 0, max(count - length(end), 0)) + end


def truncate_words(value: Any, most: Any = UNDEFINED, end: Any = UNDEFINED) -> str:
    """Cut a text after some words, and put an ending there if it has as many or more."""
    words, count = SPACES.split(printed(value)), as_number(15 if most is UNDEFINED else most)
    count = 1 if count <= 0 else count
    ending = "..." if end is UNDEFINED else printed(end)
    return " ".join(_slice(words, 0, count)) + (ending if len(words) >= count else "")


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
    return unquote(value, errors="strict").replace("+", " ")


def base64_decoded(value: str) -> str:
    """What base64 says, read as Node.js reads it: up to the first ``=``, whatever other characters are between."""
    digits = _NO_BASE64.sub("", value.partition("=")[0].translate(_BASE64_OF_URLS))
    digits = digits[: -1 if len(digits) % 4 == 1 else None]
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode(errors="replace")


_NO_BASE64 = re.compile("[^A-Za-z0-9+/]")
_BASE64_OF_URLS = str.maketrans("-_", "+/")


def slugify(value: Any, mode: Any = UNDEFINED, cased: Any = False) -> str:  # noqa: FBT002 - a filter's argument
    """Write a text as a part of a URL, by one of Jekyll's modes."""
    written, mode = printed(value), "default" if mode is UNDEFINED else printed(mode)
    if mode == "latin":
        written = written.translate(_LATIN)
    if keeps := _SLUGS.get(mode):
        written = re.sub("\0+", "-", "".join(one if keeps(one) else "\0" for one in written))
        written = written.removeprefix("-").removesuffix("-")
    return written if not is_falsy(cased) else written.lower()


def strip_html(value: str) -> str:
    """Remove tags, comments, scripts and styles; what does not end stays."""
    made, begin, blocks = [], 0, dict(_BLOCKS)
    while (start := value.find("<", begin)) >= 0:
        made.append(value[begin:start])
        for opening, closing in _BLOCKS.items():
            if opening in blocks and value.startswith(opening, start):
                end = value.find(closing, start + len(opening))
                if end >= 0:
                    begin = end + len(closing)
                    break
                del blocks[opening]
        else:
            return "".join(made) + value[start:]
    return "".join(made) + value[begin:]


_BLOCKS = {"<script": "</script>", "<style": "</style>", "<!--": "-->", "<": ">"}


def number_of_words(value: Any, mode: Any = UNDEFINED) -> int:
    """Count what white space separates, and in the modes cjk and auto each Chinese, Japanese or Korean character."""
    written = printed(value).strip(WHITE_SPACE)
    if mode == "cjk" or (mode == "auto" and _CJK.search(written)):
        return len(_CJK.findall(written)) + len(_NOT_CJK.findall(written))
    return len(SPACES.split(written)) if written else 0


def total(value: Any, name: Any = UNDEFINED) -> float:
    """Add the numbers of a list, or those under a name in its items; what is none counts as 0."""
    found = [as_number(item if is_falsy(name) else _below(item, name)) for item in as_list(value)]
    return sum(0.0 if math.isnan(number) else number for number in found)


def _below(item: Any, name: Any) -> Any:
    for step in printed(name).split("."):
        item = lookup(item, step)
    return item


def where(value: Any, name: Any, wanted: Any = UNDEFINED) -> list[Any]:
    """Keep the items that have a value under a name, or this value.

    Raises:
        ValueError: the name is more than names with dots between them.
    """
    steps = printed(name)
    if not _NAMES.fullmatch(steps) or steps in _LITERALS:
        raise ValueError
    items = as_list(value)
    found = [_below(item, steps) if isinstance(item, dict | list | str) else UNDEFINED for item in items]
    return [
        item
        for item, one in zip(items, found, strict=True)
        if (not (is_nothing(one) or one is False) if wanted is UNDEFINED else equals(one, wanted))
    ]


_NAMES = re.compile(r"[A-Za-z_][\w-]*(?:[.][A-Za-z_][\w-]*)*", re.ASCII)
_LITERALS = frozenset({"true", "false", "nil", "null", "empty", "blank"})


def equals(left: Any, right: Any) -> bool:
    """As ``===`` compares, but lists item by item."""
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(equals, left, right))
    if isinstance(left, dict):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def lookup(value: Any, key: Any) -> Any:
    """Find what a step of a path finds. Unlike in other paths, 0 and "" are no end, and -1 is the last of a list."""
    if is_nothing(value):
        return value
    if isinstance(value, list) and type(key) is int and key < 0:
        key += len(value)
    name = printed(key)
    found = member([] if value == "" else value, name) if isinstance(value, str | list | dict) else UNDEFINED
    return _COUNTED[name](value) if found is UNDEFINED and name in _COUNTED else found


_COUNTED: dict[str, Callable[[Any], Any]] = {
    "size": lambda value: len(value) if isinstance(value, dict) else lookup(value, "length"),
    "first": lambda value: value[0] if isinstance(value, list) and value else UNDEFINED,
    "last": lambda value: value[-1] if isinstance(value, list) and value else UNDEFINED,
}
"""Names that are there without being members."""

_CJK_RANGES = "\u4e00-\u9fff\uf900-\ufaff\u3400-\u4dbf\u3040-\u309f\u30a0-\u30ff\uac00-\ud7af"
_CJK, _NOT_CJK = re.compile(f"[{_CJK_RANGES}]"), re.compile(f"[^{_CJK_RANGES}{WHITE_SPACE}]+")


def _is_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "ML" or category == "Nd"


_SLUGS: dict[str, Callable[[str], bool]] = {
    "raw": lambda one: one not in WHITE_SPACE,
    "default": _is_word,
    "pretty": lambda one: _is_word(one) or one in "._~!$&'()+,;=@",
    "ascii": lambda one: one.isascii() and one.isalnum(),
    "latin": _is_word,
}
"""By mode, which characters a slug keeps; in any other, all."""

_LATIN = str.maketrans(
    dict.fromkeys("àáâãäå", "a")
    | {"æ": "ae", "ç": "c"}
    | dict.fromkeys("èéêë", "e")
    | dict.fromkeys("ìíîï", "i")
    | {"ð": "d", "ñ": "n"}
    | dict.fromkeys("òóôõöø", "o")
    | dict.fromkeys("ùúûü", "u")
    | dict.fromkeys("ýÿ", "y")
    | {"ß": "ss", "œ": "oe", "þ": "th", "ẞ": "SS", "Œ": "OE", "Þ": "TH"}
)


def escape(value: str) -> str:
    """As in HTML."""
    return html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def unescape_basic(value: str) -> str:
    """Back to what was escaped."""
    return re.sub("&(amp|lt|gt|#34|#39);", lambda found: html.unescape(found[0]), value)
