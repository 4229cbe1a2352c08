"""PURE: content as it is shown: bytes as the value that they say, JSON in lines and colours."""

import json
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup, escape

from bridge.json_text import storable
from bridge.web.console.view.masking import HIDDEN

DEEPEST = 100
"""Levels that are shown in lines of their own: what is nested deeper is somebody's attempt, not an event."""


def value_of(content: bytes) -> Any:
    """JSON as its value; anything else as text."""
    try:
        return storable(json.loads(content))
    except (ValueError, RecursionError):
        return storable(content.decode("utf-8", "backslashreplace"))


def parts(answer: str) -> tuple[str, Any]:
    """The lines in words with which an answer begins, and the JSON that follows; None if none does."""
    lines = answer.splitlines()
    for place in range(len(lines)):
        if lines[place].lstrip()[:1] in ("{", "["):
            try:
                return "\n".join(lines[:place]).strip(), storable(json.loads("\n".join(lines[place:])))
            except (ValueError, RecursionError):
                break
    return answer.strip(), None


def pretty(value: Any) -> Markup:
    """A value as JSON with two spaces of indent, each part in an element that says what it is."""
    return Markup("").join(_parts(value, 0))


def _parts(value: Any, depth: int) -> Iterator[Markup]:
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
        yield from _parts(value, depth + 1)
    yield escape(f"\n{indent}{end}")


def _quoted(text: str) -> Markup:
    return escape(json.dumps(text, ensure_ascii=False))
