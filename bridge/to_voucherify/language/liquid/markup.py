"""Escape, decode, strip and slugify texts."""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from bridge.to_voucherify.language.javascript import UNDEFINED, WHITE_SPACE, is_falsy
from bridge.to_voucherify.language.liquid.printing import printed


def escape(value: str) -> str:
    """Escape a text for HTML."""
    return html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def unescape_basic(value: str) -> str:
    """Undo ``escape``."""
    return re.sub("&(amp|lt|gt|#34|#39);", lambda match: html.unescape(match[0]), value)


def decoded(value: str) -> str:
    """Decode a part of a URL."""
    if re.search("%(?![0-9A-Fa-f]{2})", value):
        raise ValueError
    return unquote(value, errors="strict").replace("+", " ")


def base64_decoded(value: str) -> str:
    """Decode base64 as Node.js does: up to the first ``=``, ignoring all other characters."""
    digits = _NO_BASE64.sub("", value.partition("=")[0].translate(_BASE64_OF_URLS))
    digits = digits[: -1 if len(digits) % 4 == 1 else None]
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode(errors="replace")


_NO_BASE64 = re.compile("[^A-Za-z0-9+/]")
_BASE64_OF_URLS = str.maketrans("-_", "+/")


def strip_html(value: str) -> str:
    """Remove tags, comments, scripts and styles.

    An unclosed tag stays.
    """
    pieces, begin, blocks = [], 0, dict(_BLOCKS)
    while (start := value.find("<", begin)) >= 0:
        pieces.append(value[begin:start])
        for opening, closing in _BLOCKS.items():
            if opening in blocks and value.startswith(opening, start):
                end = value.find(closing, start + len(opening))
                if end >= 0:
                    begin = end + len(closing)
                    break
                del blocks[opening]
        else:
            return "".join(pieces) + value[start:]
    return "".join(pieces) + value[begin:]


_BLOCKS = {"<script": "</script>", "<style": "</style>", "<!--": "-->", "<": ">"}


def slugify(value: Any, mode: Any = UNDEFINED, cased: Any = False) -> str:  # noqa: FBT002 - a filter's argument
    """Write a text as a part of a URL, by a mode of Jekyll."""
    source, mode = printed(value), "default" if mode is UNDEFINED else printed(mode)
    if mode == "latin":
        source = source.translate(_LATIN)
    if keeps := _SLUGS.get(mode):
        source = re.sub("\0+", "-", "".join(one if keeps(one) else "\0" for one in source))
        source = source.removeprefix("-").removesuffix("-")
    return source if not is_falsy(cased) else source.lower()


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
"""By mode: which characters stay in a slug. In any other mode, all stay."""

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
