"""Declare the directives: the arguments of each, and its compiler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.to_voucherify.language.mapping import choices, replacing, shapes, texts
from bridge.to_voucherify.language.mapping.arguments import (
    ANYTHING,
    BOOLEAN,
    LIST,
    OBJECT_OR_DIRECTIVE,
    TEXT,
    TEXT_OR_DIRECTIVE,
    Argument,
    Arguments,
    Use,
    at_most,
    not_falsy,
    one_of,
)
from bridge.to_voucherify.language.mapping.paths import Run


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive.

    Attributes:
        compile: makes the directive's function from its arguments, or raises ``DirectiveError``.
        takes: the arguments by name. Segment ignores others, but checks them for mistakes.
        is_single: the value of the directive's key is its only argument.
        is_list: the value of the directive's key is a list of the arguments.
        checks: whether Segment checks for mistakes inside it; None if it depends on the place.
        leaks: its result can hold UNDEFINED below its top.
    """

    compile: Callable[[Arguments], Run]
    takes: Mapping[str, Argument]
    is_single: bool = False
    is_list: bool = False
    checks: bool | None = None
    leaks: bool = False


_WORD = at_most(replacing.LONGEST_WORD, at_least=1)

DIRECTIVES: Mapping[str, Directive] = {
    "@path": Directive(choices.path, {"path": Argument(TEXT_OR_DIRECTIVE)}, is_single=True),
    "@literal": Directive(choices.literal, {"value": Argument(use=Use.RESULT)}, is_single=True, checks=False),
    "@if": Directive(
        choices.choose,
        {
            "exists": Argument(),
            "blank": Argument(),
            "then": Argument(use=Use.RESULT),
            "else": Argument(use=Use.RESULT),
        },
    ),
    "@template": Directive(texts.template, {"template": Argument(TEXT_OR_DIRECTIVE)}, is_single=True),
    "@liquid": Directive(
        texts.liquid,
        {"template": Argument(TEXT, Use.PLAIN, refuse=at_most(texts.LONGEST_TEMPLATE))},
        is_single=True,
    ),
    "@case": Directive(
        texts.case,
        {
            "operator": Argument(TEXT, Use.PLAIN, required=True, refuse=one_of(*texts.CASES)),
            "value": Argument(TEXT_OR_DIRECTIVE, Use.RESULT),
        },
    ),
    "@replace": Directive(
        replacing.replace,
        {
            "value": Argument(TEXT_OR_DIRECTIVE, required=True),
            "pattern": Argument(TEXT, Use.PLAIN, required=True, refuse=_WORD),
            "replacement": Argument(TEXT, Use.PLAIN, refuse=at_most(replacing.LONGEST_WORD)),
            "pattern2": Argument(ANYTHING, Use.PLAIN),
            "replacement2": Argument(ANYTHING, Use.PLAIN),
            "ignorecase": Argument(BOOLEAN, Use.PLAIN),
            "global": Argument(BOOLEAN, Use.PLAIN),
        },
    ),
    "@json": Directive(
        shapes.json,
        {
            "mode": Argument(TEXT, Use.PLAIN, required=True, refuse=one_of(*shapes.MODES)),
            "value": Argument(use=Use.RESULT, required=True, refuse=not_falsy),
        },
    ),
    "@flatten": Directive(
        shapes.flatten,
        {
            "value": Argument(required=True),
            "separator": Argument(TEXT, Use.PLAIN, required=True, refuse=not_falsy),
            "omitArrays": Argument(use=Use.PLAIN),
        },
        leaks=True,
    ),
    "@merge": Directive(
        shapes.merge,
        {
            "objects": Argument(LIST, required=True, items=OBJECT_OR_DIRECTIVE),
            "direction": Argument(TEXT, Use.PLAIN, required=True, refuse=one_of("left", "right")),
        },
        leaks=True,
    ),
    "@arrayPath": Directive(
        shapes.array_path,
        {"path": Argument(TEXT_OR_DIRECTIVE, required=True), "shape": Argument()},
        is_list=True,
        leaks=True,
    ),
    "@transform": Directive(
        shapes.transform,
        {
            "apply": Argument(OBJECT_OR_DIRECTIVE, required=True),
            "mapping": Argument(OBJECT_OR_DIRECTIVE, required=True),
        },
        checks=True,
        leaks=True,
    ),
    "@excludeWhenNull": Directive(
        shapes.exclude_when_null, {"value": Argument()}, is_single=True, checks=False, leaks=True
    ),
}
"""By name."""
