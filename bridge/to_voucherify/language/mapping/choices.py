"""@path, @literal and @if: which value it is."""

from __future__ import annotations

from typing import Any

from bridge.errors import DirectiveError, MappingFailed
from bridge.to_voucherify.language.javascript import UNDEFINED, is_falsy, is_nothing, kind, text
from bridge.to_voucherify.language.mapping.arguments import Given
from bridge.to_voucherify.language.mapping.paths import Run, read_path, without_root


def path(given: Given) -> Run:
    """What is found at a path, which a directive may name."""
    written = given.plain["path"]
    if isinstance(written, str):
        return read_path(without_root(written))
    named = text_from(given, "path")
    return lambda payload: read_path(without_root(named(payload)))(payload)


def literal(given: Given) -> Run:
    """The value itself; directives within it are resolved all the same."""
    return given.runs["value"]


def choose(given: Given) -> Run:
    """``then`` if the value exists (is neither undefined nor null), or is not blank; else ``else``."""
    plain = given.plain
    if is_falsy(plain.get("exists")) and is_falsy(plain.get("blank")):
        raise DirectiveError(
            "needs exists or blank, and neither null, false, 0 nor empty: Segment takes that for missing"
        )
    then = given.runs.get("then", _nothing)
    # A falsy `else` is none, a falsy `then` stays.
    otherwise = _nothing if is_falsy(plain.get("else")) else given.runs["else"]
    if "exists" in plain:
        value = given.runs["exists"]
        return lambda payload: (otherwise if is_nothing(value(payload)) else then)(payload)
    value = given.runs["blank"]
    return lambda payload: (otherwise if is_blank(value(payload)) else then)(payload)


def is_blank(value: Any) -> bool:
    """Whether it is nothing, or equals an empty text as ``==`` compares in JavaScript: 0, false and ``[null]`` do."""
    return is_falsy(value) or (isinstance(value, list) and not text(value))


def text_from(given: Given, argument: str) -> Run:
    """The argument, resolved, which must be a text."""
    run, where = given.runs[argument], given.path

    def checked(payload: Any) -> str:
        found = run(payload)
        if not isinstance(found, str):
            raise MappingFailed(where, f"needs a text, and found {kind(found)}")
        return found

    return checked


def _nothing(_: Any) -> Any:
    return UNDEFINED
