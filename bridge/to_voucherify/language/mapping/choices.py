"""Select a value: @path, @literal and @if."""

from __future__ import annotations

from typing import Any

from bridge.errors import DirectiveError, MappingFailed
from bridge.to_voucherify.language.javascript import UNDEFINED, is_falsy, is_nothing, kind, text
from bridge.to_voucherify.language.mapping.arguments import Arguments
from bridge.to_voucherify.language.mapping.paths import Run, read_path, without_root


def path(arguments: Arguments) -> Run:
    """Return the value at a path. A directive can compute the path."""
    source = arguments.plain["path"]
    if isinstance(source, str):
        return read_path(without_root(source))
    named = text_from(arguments, "path")
    return lambda payload: read_path(without_root(named(payload)))(payload)


def literal(arguments: Arguments) -> Run:
    """Return the value itself. Directives in it are resolved."""
    return arguments.runs["value"]


def choose(arguments: Arguments) -> Run:
    """Return ``then`` or ``else``, depending on a value.

    ``then`` is returned if the value exists (is neither undefined nor null), or is not blank.
    """
    plain = arguments.plain
    if is_falsy(plain.get("exists")) and is_falsy(plain.get("blank")):
        raise DirectiveError(
            "needs exists or blank, and neither null, false, 0 nor empty: Segment takes that for missing"
        )
    then = arguments.runs.get("then", _nothing)
    # A falsy `else` is none, a falsy `then` stays.
    otherwise = _nothing if is_falsy(plain.get("else")) else arguments.runs["else"]
    if "exists" in plain:
        value = arguments.runs["exists"]
        return lambda payload: (otherwise if is_nothing(value(payload)) else then)(payload)
    value = arguments.runs["blank"]
    return lambda payload: (otherwise if is_blank(value(payload)) else then)(payload)


def is_blank(value: Any) -> bool:
    """Return whether a value is nothing, or ``==`` an empty text in JavaScript.

    0, false and ``[null]`` are blank.
    """
    return is_falsy(value) or (isinstance(value, list) and not text(value))


def text_from(arguments: Arguments, argument: str) -> Run:
    """Resolve an argument, which must be a text."""
    run, where = arguments.runs[argument], arguments.path

    def checked(payload: Any) -> str:
        value = run(payload)
        if not isinstance(value, str):
            raise MappingFailed(where, f"needs a text, and found {kind(value)}")
        return value

    return checked


def _nothing(_: Any) -> Any:
    return UNDEFINED
