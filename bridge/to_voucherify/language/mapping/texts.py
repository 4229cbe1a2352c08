"""Build texts: @template, @case and @liquid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bridge.errors import MappingFailed, TemplateFailed
from bridge.to_voucherify.language.javascript import (
    LONGEST,
    TOO_LONG,
    UNDEFINED,
    WHITE_SPACE,
    is_falsy,
    is_nothing,
    text,
)
from bridge.to_voucherify.language.mapping.arguments import Arguments
from bridge.to_voucherify.language.mapping.choices import text_from
from bridge.to_voucherify.language.mapping.paths import Run, read_path

LONGEST_TEMPLATE = 1_000
"""The most UTF-16 units of a Liquid template."""

CASES: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}


def template(arguments: Arguments) -> Run:
    """Replace every ``{{path}}`` in a text by the value there, or by nothing.

    Placeholders in three braces are replaced first. The second pass also replaces placeholders in their values.
    """
    source, where = arguments.plain["template"], arguments.path
    if isinstance(source, str):
        if any(name is not None for _, name in placeholders(source, 3)):
            return lambda payload: _expanded(source, payload, where)
        return _joined([(before, None if name is None else _printed(name)) for before, name in placeholders(source, 2)])
    named = text_from(arguments, "template")
    return lambda payload: _expanded(named(payload), payload, where)


def placeholders(source: str, braces: int) -> Iterator[tuple[str, str | None]]:
    """Split a template into texts, each with the path of the placeholder after it.

    The last path is None. A placeholder has no closing brace inside. The function searches from brace to brace, since a
    pattern tries each opening brace of a hostile text up to its end.
    """
    opening, closing = "{" * braces, "}" * braces
    begin = look = 0
    while (end := source.find("}", look)) >= 0:
        start = source.find(opening, look, end)
        if 0 <= start < end - braces and source.startswith(closing, end):
            yield source[begin:start], source[start + braces : end].strip(WHITE_SPACE)
            begin = look = end + braces
        else:
            look = end + 1
    yield source[begin:], None


def _printed(name: str) -> Run:
    read = read_path(name)

    def printed(payload: Any) -> str:
        value = read(payload)
        return "" if is_nothing(value) else text(value)

    return printed


def _joined(parts: list[tuple[str, Run | None]]) -> Run:
    pieces = [piece for before, run in parts for piece in ((lambda _, before=before: before) if before else None, run)]
    runs = tuple(filter(None, pieces))
    return lambda payload: "".join([run(payload) for run in runs])


def _expanded(source: str, payload: Any, where: str) -> str:
    for braces in (3, 2):
        pieces, size = [], 0
        for before, name in placeholders(source, braces):
            value = "" if name is None else _printed(name)(payload)
            pieces += [before, value]
            size += len(before) + len(value)
            if size > LONGEST:
                raise MappingFailed(where, TOO_LONG)
        source = "".join(pieces)
    return source


def case(arguments: Arguments) -> Run:
    """Convert a text to lower or upper case. Other values stay."""
    if is_falsy(arguments.plain.get("value")):
        return lambda _: UNDEFINED
    change, value = CASES[arguments.plain["operator"]], arguments.runs["value"]

    def changed(payload: Any) -> Any:
        resolved = value(payload)
        return change(resolved) if isinstance(resolved, str) else resolved

    return changed


def liquid(arguments: Arguments) -> Run:
    """Render a Liquid template.

    python-liquid is imported here, because the import is slow and few mappings need it.
    """
    from bridge.to_voucherify.language.liquid.environment import compile_template  # noqa: PLC0415 - slow, and rarely needed

    render, where = compile_template(arguments.plain["template"]), arguments.path

    def rendered(payload: Any) -> str:
        try:
            return render(payload)
        except TemplateFailed as error:
            raise MappingFailed(where, str(error)) from None

    return rendered
