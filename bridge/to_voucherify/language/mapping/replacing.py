"""@replace: parts of a text for others, as JavaScript's String.replace does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from bridge.errors import DirectiveError, MappingFailed
from bridge.to_voucherify.language.javascript import LONGEST, TOO_LONG, UNDEFINED, is_falsy, length, text
from bridge.to_voucherify.language.mapping.arguments import Given
from bridge.to_voucherify.language.mapping.paths import Run

LONGEST_WORD = 10
"""UTF-16 units of a pattern, and of its replacement."""


def replace(given: Given) -> Run:
    """The text with a pattern replaced, then another one. Numbers and booleans are printed; all else becomes ""."""
    plain, where = given.plain, given.path
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
    value = given.runs["value"]

    def replaced(payload: Any) -> str:
        found = value(payload)
        if isinstance(found, bool | int | float):
            found = text(found)
        elif not isinstance(found, str):
            return ""
        for step in steps:
            found = step(found)
        return found

    return replaced


def _replacing(pattern: str, replacement: str, where: str, *, every: bool, any_case: bool) -> Callable[[str], str]:
    written = _REFERENCE.split(replacement)
    if not any_case and len(written) == 1:
        return lambda found: _bounded(found.replace(pattern, replacement, -1 if every else 1), where)
    search = re.compile("".join(f"[{re.escape(_cases(one))}]" for one in pattern) if any_case else re.escape(pattern))

    def replaced(found: str) -> str:
        size = 0

        def insert(match: re.Match[str]) -> str:
            nonlocal size
            inserted = "".join(_REFERENCES[part](match) if part in _REFERENCES else part for part in written)
            size += len(inserted)
            if size > LONGEST:
                raise MappingFailed(where, TOO_LONG)
            return inserted

        return search.sub(insert, found, count=0 if every else 1)

    return replaced


def _bounded(made: str, where: str) -> str:
    if len(made) > LONGEST:
        raise MappingFailed(where, TOO_LONG)
    return made


_REFERENCES: dict[str, Callable[[re.Match[str]], str]] = {
    "$$": lambda _: "$",
    "$&": lambda match: match[0],
    "$`": lambda match: match.string[: match.start()],
    "$'": lambda match: match.string[match.end() :],
}
"""What a replacement can refer to, as in JavaScript's String.replace."""

_REFERENCE = re.compile("(" + "|".join(map(re.escape, _REFERENCES)) + ")")


def _cases(character: str) -> str:
    """The characters that JavaScript takes for the same where case does not count."""
    return _by_upper_case().get(_upper(character), character)


def _upper(character: str) -> str:
    """As a regular expression without flag `u` compares: unit by unit, each against its own upper case if that is one
    unit, and not from beyond ASCII into it.
    """
    upper = character.upper()
    return upper if len(upper) == 1 and (upper > "\x7f" or character <= "\x7f") and character <= "\uffff" else character


@cache
def _by_upper_case() -> dict[str, str]:
    found: dict[str, str] = {}
    for code in range(0x10000):
        upper = _upper(chr(code))
        found[upper] = found.get(upper, "") + chr(code)
    return {upper: characters for upper, characters in found.items() if len(characters) > 1}
