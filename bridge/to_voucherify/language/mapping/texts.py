"""@template, @case and @liquid: texts made of texts."""

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
from bridge.to_voucherify.language.mapping.arguments import Given
from bridge.to_voucherify.language.mapping.choices import text_from
from bridge.to_voucherify.language.mapping.paths import Run, read_path

LONGEST_TEMPLATE = 1_000
"""UTF-16 units of a Liquid template."""

CASES: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}


def template(given: Given) -> Run:
    """The text with every ``{{path}}`` replaced by what is there, or by nothing.

    Those in three braces are replaced first, and what they bring in is looked through with the rest.
    """
    written, where = given.plain["template"], given.path
    if isinstance(written, str):
        if any(name is not None for _, name in placeholders(written, 3)):
            return lambda payload: _expanded(written, payload, where)
        return _joined(
            [(before, None if name is None else _printed(name)) for before, name in placeholders(written, 2)]
        )
    named = text_from(given, "template")
    return lambda payload: _expanded(named(payload), payload, where)


def placeholders(source: str, braces: int) -> Iterator[tuple[str, str | None]]:
    """A template's parts: a text as it stands, and the path in the placeholder behind it; at the end there is none.

    A placeholder has no closing brace within. They are looked for from brace to brace, since a pattern would try each
    opening brace of a hostile text to its end.
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
        return value if type(value) is str else "" if is_nothing(value) else text(value)

    return printed


def _joined(parts: list[tuple[str, Run | None]]) -> Run:
    pieces = [piece for before, run in parts for piece in ((lambda _, before=before: before) if before else None, run)]
    runs = tuple(filter(None, pieces))
    return lambda payload: "".join([run(payload) for run in runs])


def _expanded(source: str, payload: Any, where: str) -> str:
    for braces in (3, 2):
        pieces, size = [], 0
        for before, name in placeholders(source, braces):
            found = "" if name is None else _printed(name)(payload)
            pieces += [before, found]
            size += len(before) + len(found)
            if size > LONGEST:
                raise MappingFailed(where, TOO_LONG)
        source = "".join(pieces)
    return source


def case(given: Given) -> Run:
    """The text in lower or upper case; anything else untouched."""
    if is_falsy(given.plain.get("value")):
        return lambda _: UNDEFINED
    change, value = CASES[given.plain["operator"]], given.runs["value"]

    def changed(payload: Any) -> Any:
        found = value(payload)
        return change(found) if isinstance(found, str) else found

    return changed


def liquid(given: Given) -> Run:
    """The text as a Liquid template renders it; python-liquid takes its time to import, and few mappings need it."""
    from bridge.to_voucherify.language.liquid.environment import compile_template  # noqa: PLC0415 - see above

    render, where = compile_template(given.plain["template"]), given.path

    def rendered(payload: Any) -> str:
        try:
            return render(payload)
        except TemplateFailed as error:
            raise MappingFailed(where, str(error)) from None

    return rendered
