"""Replace parts of a text: @replace, which works as JavaScript's String.replace."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bridge.errors import DirectiveError, MappingFailed
from bridge.to_voucherify.language.javascript import LONGEST, TOO_LONG, UNDEFINED, is_falsy, length, text
from bridge.to_voucherify.language.mapping.arguments import Arguments
from bridge.to_voucherify.language.mapping.paths import Run

LONGEST_WORD = 10
"""The most UTF-16 units of a pattern, and of its replacement."""


def replace(arguments: Arguments) -> Run:
    """Replace a pattern in a text, then a second one.

    Numbers and booleans are printed. Other values become "".
    """
    plain, where = arguments.plain, arguments.path
    if is_falsy(plain["value"]):
        return lambda _: UNDEFINED
    every, any_case = plain.get("global", True), plain.get("ignorecase", False)
    steps = [_replacing(plain["pattern"], plain.get("replacement", ""), where, every=every, any_case=any_case)]
    second, replacement = plain.get("pattern2"), plain.get("replacement2")
    if second and isinstance(second, str) and isinstance(replacement, str | None):
        for argument, word in (("pattern2", second), ("replacement2", replacement or "")):
            if length(word) > LONGEST_WORD:
                raise DirectiveError(f"must have at most {LONGEST_WORD} characters", argument)
        steps.append(_replacing(second, replacement or "", where, every=every, any_case=any_case))
    value = arguments.runs["value"]

    def replaced(payload: Any) -> str:
        source_text = value(payload)
        if isinstance(source_text, bool | int | float):
            source_text = text(source_text)
        elif not isinstance(source_text, str):
            return ""
        for step in steps:
            source_text = step(source_text)
        return source_text

    return replaced


def _replacing(pattern: str, replacement: str, where: str, *, every: bool, any_case: bool) -> Callable[[str], str]:
    fold = _upper_each if any_case else str
    parts, sought = _REFERENCE.split(replacement), fold(pattern)

    def replaced(source: str) -> str:
        searched, begin, size = fold(source), 0, len(source)
        pieces: list[str] = []
        while (start := searched.find(sought, begin)) >= 0 and (every or not pieces):
            end = start + len(sought)
            inserted = [_REFERENCES[part](source, start, end) if part in _REFERENCES else part for part in parts]
            pieces += [source[begin:start], *inserted]
            size += sum(map(len, inserted)) - len(sought)
            if size > LONGEST:
                raise MappingFailed(where, TOO_LONG)
            begin = end
        return "".join([*pieces, source[begin:]])

    return replaced


_REFERENCES: dict[str, Callable[[str, int, int], str]] = {
    "$$": lambda *_: "$",
    "$&": lambda source, start, end: source[start:end],
    "$`": lambda source, start, _: source[:start],
    "$'": lambda source, _, end: source[end:],
}
"""The references in a replacement, as in JavaScript's String.replace.

Each function takes the text, and the start and end of the match.
"""

_REFERENCE = re.compile("(" + "|".join(map(re.escape, _REFERENCES)) + ")")


def _upper_each(source: str) -> str:
    """Write each character in upper case, as JavaScript's flag ``i`` does.

    A character stays if its upper case is not one UTF-16 unit, or is ASCII and the character is not.
    """
    return source.upper() if source.isascii() else "".join(map(_upper, source))


def _upper(character: str) -> str:
    upper = character.upper()
    return upper if len(upper) == 1 and (upper > "\x7f" or character <= "\x7f") and character <= "\uffff" else character
