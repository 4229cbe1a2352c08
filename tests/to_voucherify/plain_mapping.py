"""Interpret the mapping language: one walk per event, without compiling.

The mapping must be valid. Liquid is not supported.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from bridge.to_voucherify.language.mapping import UNDEFINED


class Failed(Exception):
    """As MappingFailed, without place and reason."""


def plain(mapping: Any, event: Any) -> Any:
    return without_undefined(resolve(mapping, event))


def without_undefined(value: Any, *, in_lists: Any = None) -> Any:
    if isinstance(value, list):
        return [in_lists if one is UNDEFINED else without_undefined(one, in_lists=in_lists) for one in value]
    if isinstance(value, dict):
        return {k: without_undefined(v, in_lists=in_lists) for k, v in value.items() if v is not UNDEFINED}
    return value


def resolve(node: Any, payload: Any) -> Any:
    if isinstance(node, list):
        return [resolve(item, payload) for item in node]
    if not isinstance(node, dict):
        return node
    names = [key for key in node if key.startswith("@")]
    if names and not [key for key in node if key not in names and key != "_metadata"]:
        return globals()[names[0][1:].lower() + "_"](node[names[0]], payload)
    return {key: resolve(value, payload) for key, value in node.items()}


def falsy(value: Any) -> bool:
    return (
        value is UNDEFINED
        or value is None
        or value is False
        or value == ""
        or (value == 0 and not isinstance(value, list))
    )


def truthy_literal(given: dict[str, Any], name: str) -> bool:
    return not falsy(given.get(name))


def find(payload: Any, path: str) -> Any:
    for name in filter(None, re.split(r"[\[\].]+", path)):
        if falsy(payload):
            return payload
        items = list(payload) if isinstance(payload, str) else payload
        if isinstance(items, dict):
            payload = items.get(name, UNDEFINED)
        elif isinstance(items, list) and name == "length":
            payload = len(items)
        elif isinstance(items, list) and re.fullmatch("0|[1-9]", name) and int(name) < len(items):
            payload = items[int(name)]
        else:
            payload = UNDEFINED
    return payload


def print_(value: Any) -> str:
    if isinstance(value, list):
        return ",".join("" if item is None or item is UNDEFINED else print_(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, int) or isinstance(value, bool)
        else str(value)
    )


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Failed
    return value


def path_(given: Any, payload: Any) -> Any:
    return find(payload, text(resolve(given, payload)).replace("$.", "", 1))


def literal_(given: Any, payload: Any) -> Any:
    return resolve(given, payload)


def if_(given: dict[str, Any], payload: Any) -> Any:
    if "exists" in given:
        holds = resolve(given["exists"], payload) not in (None, UNDEFINED)
    else:
        value = resolve(given["blank"], payload)
        holds = not falsy(value) and not (isinstance(value, list) and print_(value) == "")
    if holds:
        return resolve(given["then"], payload) if "then" in given else UNDEFINED
    return resolve(given["else"], payload) if truthy_literal(given, "else") else UNDEFINED


def template_(given: Any, payload: Any) -> str:
    written = text(resolve(given, payload))
    for pattern in (r"\{\{\{([^}]+)\}\}\}", r"\{\{([^}]+)\}\}"):
        written = re.sub(pattern, lambda hit: show(find(payload, hit[1].strip())), written)
    return written


def show(value: Any) -> str:
    return "" if value is None or value is UNDEFINED else print_(value)


def case_(given: dict[str, Any], payload: Any) -> Any:
    if not truthy_literal(given, "value"):
        return UNDEFINED
    value = resolve(given["value"], payload)
    if not isinstance(value, str):
        return value
    return value.lower() if given["operator"] == "lower" else value.upper()


def replace_(given: dict[str, Any], payload: Any) -> Any:
    if not truthy_literal(given, "value"):
        return UNDEFINED
    value = resolve(given["value"], payload)
    if isinstance(value, bool | int):
        value = print_(value)
    if not isinstance(value, str):
        return ""
    for number in ("", "2"):
        if pattern := given.get("pattern" + number):
            value = replaced(value, pattern, given.get("replacement" + number, ""), given)
    return value


def replaced(value: str, pattern: str, replacement: str, given: dict[str, Any]) -> str:
    flags = re.IGNORECASE if given.get("ignorecase") else 0
    count = 0 if given.get("global", True) else 1
    return re.sub(re.escape(pattern), lambda hit: inserted(hit, replacement), value, count=count, flags=flags)


def inserted(hit: re.Match[str], replacement: str) -> str:
    parts = {"$$": "$", "$&": hit[0], "$`": hit.string[: hit.start()], "$'": hit.string[hit.end() :]}
    return re.sub(r"\$[$&`']", lambda reference: parts[reference[0]], replacement)


def json_(given: dict[str, Any], payload: Any) -> Any:
    value = resolve(given["value"], payload)
    if given["mode"] == "encode":
        value = (
            value
            if value is UNDEFINED
            else json.dumps(in_order(without_undefined(value)), ensure_ascii=False, separators=(",", ":"))
        )
    elif isinstance(value, str):
        with suppress(ValueError):
            value = json.loads(value)
    return value


def in_order(value: Any) -> Any:
    if isinstance(value, list):
        return [in_order(item) for item in value]
    if isinstance(value, dict):
        indexes = sorted(key for key in value if re.fullmatch("[0-9]", key))
        return {key: in_order(value[key]) for key in [*indexes, *(key for key in value if key not in indexes)]}
    return value


def flatten_(given: dict[str, Any], payload: Any) -> dict[str, Any]:
    kinds: tuple[type, ...] = (dict,) if truthy_literal(given, "omitArrays") else (dict, list)
    made: dict[str, Any] = {}

    def walk(value: Any, prefix: str) -> None:
        if not isinstance(value, kinds):
            made[prefix] = value
            return
        for name, item in members(in_shape(value)).items():
            walk(item, f"{prefix}{given['separator']}{name}" if prefix else name)

    walk(resolve(given["value"], payload), "")
    return made


def in_shape(value: Any) -> Any:
    return in_order(value) if isinstance(value, dict) else value


def members(value: Any) -> dict[str, Any]:
    if isinstance(value, str | list):
        return {str(index): item for index, item in enumerate(value)}
    return value if isinstance(value, dict) else {}


def merge_(given: dict[str, Any], payload: Any) -> dict[str, Any]:
    objects = [resolve(one, payload) for one in given["objects"]]
    made: dict[str, Any] = {}
    for one in objects if given["direction"] == "right" else reversed(objects):
        made.update(members(one))
    return made


def arraypath_(given: list[Any], payload: Any) -> Any:
    root = find(payload, given[0].replace("$.", "", 1)) if isinstance(given[0], str) else resolve(given[0], payload)
    if isinstance(root, dict | list) and len(given) > 1 and given[1]:
        return [resolve(given[1], item) for item in (root if isinstance(root, list) else [root])]
    return root


def transform_(given: dict[str, Any], payload: Any) -> Any:
    if payload is UNDEFINED:
        payload = {}
    if not isinstance(payload, dict):
        raise Failed
    return resolve(given["mapping"], without_undefined(resolve(given["apply"], payload), in_lists=UNDEFINED))


def excludewhennull_(given: Any, payload: Any) -> Any:
    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return UNDEFINED if value is None else value

    return clean(resolve(given, payload))
