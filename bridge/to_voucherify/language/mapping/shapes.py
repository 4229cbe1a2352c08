"""Shape objects and lists.

The directives are @json, @flatten, @merge, @arrayPath, @transform and @excludeWhenNull.
"""

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
from bridge.to_voucherify.language.mapping.arguments import Arguments
from bridge.to_voucherify.language.mapping.paths import Run, read_path, without_root


def json(arguments: Arguments) -> Run:
    """Encode a value as a JSON text, or decode a JSON text.

    Decoding leaves other texts as they are.
    """
    work, value = MODES[arguments.plain["mode"]], arguments.runs["value"]
    return lambda payload: work(value(payload))


def decoded(value: Any) -> Any:
    """Decode a JSON text as JavaScript does, where ``1e400`` is Infinity.

    Other values stay as they are.
    """
    if not isinstance(value, str):
        return value
    try:
        value = _DECODER.decode(value)
    except ValueError:
        return value
    if is_deeper(value, LEVELS):
        raise RecursionError  # as what else is nested too deeply for a mapping
    return storable(value)


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < _MANY_DIGITS else float(digits)


def _constant(name: str) -> NoReturn:
    raise ValueError(name)


_MANY_DIGITS = 300
_DECODER = python_json.JSONDecoder(parse_int=_integer, parse_constant=_constant)

MODES = {"encode": encoded, "decode": decoded}


def flatten(arguments: Arguments) -> Run:
    """Flatten an object to depth one.

    The new name is the path to the value. Empty objects and lists are dropped.
    """
    separator, omit_lists = arguments.plain["separator"], not is_falsy(arguments.plain.get("omitArrays"))
    value, where = arguments.runs["value"], arguments.path
    nests = (dict,) if omit_lists else (dict, list)

    def leaves(nested: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        if not isinstance(nested, nests):
            yield prefix, nested
            return
        for name, item in entries(nested):
            yield from leaves(item, f"{prefix}{separator}{name}" if prefix else name)

    def flat(payload: Any) -> dict[str, Any]:
        result, size = {}, 0
        for name, item in leaves(value(payload), ""):
            result[name] = item
            size += len(name)
            if size > LONGEST:
                raise MappingFailed(where, f"makes names of more than {LONGEST:,} characters")
        return result

    return flat


def merge(arguments: Arguments) -> Run:
    """Merge several objects into one.

    Of equal names the last wins, or with ``left`` the first. An undefined member overwrites as any other. A text or a
    list counts as an object of its parts.
    """
    objects = arguments.runs["objects"]
    order = -1 if arguments.plain["direction"] == "left" else 1

    def merged(payload: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for one in objects(payload)[::order]:
            result.update(one if isinstance(one, dict) else entries(one))
        return result

    return merged


def array_path(arguments: Arguments) -> Run:
    """Return the value at a path, or of a directive, in a given shape.

    Each item of a list is shaped, and an object itself.
    """
    path, shape = arguments.plain["path"], arguments.plain.get("shape")
    root = read_path(without_root(path)) if isinstance(path, str) else arguments.runs["path"]
    if not isinstance(shape, dict) or not shape:
        return root
    make = arguments.runs["shape"]

    def shaped(payload: Any) -> Any:
        value = root(payload)
        if isinstance(value, list | dict):
            return [make(item) for item in (value if isinstance(value, list) else [value])]
        return value

    return shaped


def transform(arguments: Arguments) -> Run:
    """Apply ``mapping`` to the payload that ``apply`` returns."""
    apply, mapping, where = arguments.runs["apply"], arguments.runs["mapping"], arguments.path

    def transformed(payload: Any) -> Any:
        if not isinstance(payload, dict) and payload is not UNDEFINED:
            raise MappingFailed(where, f"needs an object, and found {kind(payload)}")
        return mapping(without_undefined(apply({} if payload is UNDEFINED else payload), UNDEFINED))

    return transformed


def exclude_when_null(arguments: Arguments) -> Run:
    """Replace nulls by undefined at any depth of objects, but not in lists."""
    value = arguments.runs["value"]
    return lambda payload: _without_null(value(payload))


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(item) for name, item in value.items()}
    return UNDEFINED if value is None else value
