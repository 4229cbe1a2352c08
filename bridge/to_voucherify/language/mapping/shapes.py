"""@json, @flatten, @merge, @arrayPath, @transform and @excludeWhenNull: what becomes of objects and lists."""

from __future__ import annotations

import json as python_json
from collections.abc import Iterator
from typing import Any, NoReturn

from bridge.errors import MappingFailed
from bridge.json_text import LEVELS, is_deeper, storable
from bridge.to_voucherify.language.javascript import (
    LONGEST,
    UNDEFINED,
    encoded,
    entries,
    is_falsy,
    kind,
    without_undefined,
)
from bridge.to_voucherify.language.mapping.arguments import Given
from bridge.to_voucherify.language.mapping.paths import Run, read_path, without_root


def json(given: Given) -> Run:
    """The value as a JSON text, or the value that a JSON text says; a text that is none stays."""
    work, value = MODES[given.plain["mode"]], given.runs["value"]
    return lambda payload: work(value(payload))


def decoded(value: Any) -> Any:
    """Read a JSON text as JavaScript does, to which ``1e400`` is Infinity; anything else stays."""
    if not isinstance(value, str):
        return value
    try:
        found = _DECODER.decode(value)
    except ValueError:
        return value
    if is_deeper(found, LEVELS):
        raise RecursionError  # as what else is nested too deeply for a mapping
    return storable(found)


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < _MANY_DIGITS else float(digits)


def _constant(name: str) -> NoReturn:
    raise ValueError(name)


_MANY_DIGITS = 300
_DECODER = python_json.JSONDecoder(parse_int=_integer, parse_constant=_constant)

MODES = {"encode": encoded, "decode": decoded}


def flatten(given: Given) -> Run:
    """An object of depth one, with the names of the path to each value. Empty objects and lists vanish."""
    separator, omit_lists = given.plain["separator"], not is_falsy(given.plain.get("omitArrays"))
    value, where = given.runs["value"], given.path
    nests = (dict,) if omit_lists else (dict, list)

    def leaves(nested: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        if not isinstance(nested, nests):
            yield prefix, nested
            return
        for name, item in entries(nested):
            yield from leaves(item, f"{prefix}{separator}{name}" if prefix else name)

    def flat(payload: Any) -> dict[str, Any]:
        made, size = {}, 0
        for name, item in leaves(value(payload), ""):
            made[name] = item
            size += len(name)
            if size > LONGEST:
                raise MappingFailed(where, f"makes names of more than {LONGEST:,} characters")
        return made

    return flat


def merge(given: Given) -> Run:
    """One object of several; of two with the same name, the last stays, or with ``left`` the first.

    A member that is undefined overwrites as any other. A text or a list counts as an object of its parts.
    """
    objects = given.runs["objects"]
    order = -1 if given.plain["direction"] == "left" else 1

    def merged(payload: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for one in objects(payload)[::order]:
            made.update(one if isinstance(one, dict) else entries(one))
        return made

    return merged


def array_path(given: Given) -> Run:
    """What is found at a path, or by a directive; if that is a list or an object, each item in the given shape."""
    written, shape = given.plain["path"], given.plain.get("shape")
    root = read_path(without_root(written)) if isinstance(written, str) else given.runs["path"]
    if not isinstance(shape, dict) or not shape:
        return root
    make = given.runs["shape"]

    def shaped(payload: Any) -> Any:
        found = root(payload)
        if isinstance(found, list | dict):
            return [make(item) for item in (found if isinstance(found, list) else [found])]
        return found

    return shaped


def transform(given: Given) -> Run:
    """``mapping``, applied to what ``apply`` makes of the payload."""
    apply, mapping, where = given.runs["apply"], given.runs["mapping"], given.path

    def transformed(payload: Any) -> Any:
        if not isinstance(payload, dict) and payload is not UNDEFINED:
            raise MappingFailed(where, f"needs an object, and found {kind(payload)}")
        return mapping(without_undefined(apply({} if payload is UNDEFINED else payload), UNDEFINED))

    return transformed


def exclude_when_null(given: Given) -> Run:
    """The value, in which null is undefined at any depth of objects, but not within lists."""
    value = given.runs["value"]
    return lambda payload: _without_null(value(payload))


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(item) for name, item in value.items()}
    return UNDEFINED if value is None else value
