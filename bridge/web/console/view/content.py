"""Show content: parse bytes, and format JSON in lines and colours."""

import json
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup, escape

from bridge.json_text import LEVELS, is_deeper, storable
from bridge.prose import HIDDEN

DEEPEST = 100
"""The levels that are shown in lines of their own. Real events have fewer."""


def value_of(content: bytes) -> Any:
    """Parse JSON. Other bytes become text."""
    try:
        return _parse(content)
    except (ValueError, RecursionError):
        return storable(content.decode("utf-8", "backslashreplace"))


def split_response(response: str) -> tuple[str, Any]:
    """Split a response into the text before its JSON, and the JSON.

    The JSON is None if there is none.
    """
    lines = response.splitlines()
    for place in range(len(lines)):
        if lines[place].lstrip()[:1] in ("{", "["):
            try:
                return "\n".join(lines[:place]).strip(), _parse("\n".join(lines[place:]))
            except (ValueError, RecursionError):
                break
    return response.strip(), None


def _parse(content: bytes | str) -> Any:
    value = json.loads(content)
    if is_deeper(value, LEVELS):
        raise ValueError("the JSON is nested too deeply to be masked")
    return storable(value)


def pretty(value: Any) -> Markup:
    """Format a value as indented JSON, with an element around each part."""
    return Markup("").join(_elements(value, 0))


def _elements(value: Any, depth: int) -> Iterator[Markup]:
    match value:
        case dict() if value and depth < DEEPEST:
            named = [
                (Markup('<span class="k">{}</span>: ').format(_quoted(key)), inner) for key, inner in value.items()
            ]
            yield from _lines("{", named, "}", depth)
        case list() if value and depth < DEEPEST:
            yield from _lines("[", [(Markup(""), inner) for inner in value], "]", depth)
        case dict() | list():
            yield Markup("{}").format(json.dumps(value, ensure_ascii=False))
        case str() if value == HIDDEN:
            yield Markup('<span class="hidden-value" title="hidden">{}</span>').format(HIDDEN)
        case str():
            yield Markup('<span class="s">{}</span>').format(_quoted(value))
        case _:
            yield Markup('<span class="n">{}</span>').format(json.dumps(value, ensure_ascii=False))


def _lines(begin: str, inner: list[tuple[Markup, Any]], end: str, depth: int) -> Iterator[Markup]:
    indent = "  " * depth
    yield escape(begin)
    for place, (name, value) in enumerate(inner):
        yield escape(f"{',' if place else ''}\n{indent}  ") + name
        yield from _elements(value, depth + 1)
    yield escape(f"\n{indent}{end}")


def _quoted(text: str) -> Markup:
    return escape(json.dumps(text, ensure_ascii=False))
