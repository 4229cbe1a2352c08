"""Refuse expressions that print differently, and compare values as JavaScript."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from liquid import RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import (
    BooleanExpression,
    Filter,
    FilteredExpression,
    KeywordArgument,
    Nil,
    StringLiteral,
)
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, RangeLiteral
from liquid.expression import Expression

from bridge.errors import DirectiveError
from bridge.to_voucherify.language.javascript import WHITE_SPACE, as_number, is_nothing, text
from bridge.to_voucherify.language.liquid.dates import CLOCK, NO_CLOCK
from bridge.to_voucherify.language.liquid.filters import FILTERS, IGNORED_BY_US
from bridge.to_voucherify.language.liquid.parts import equals


def check_source(source: str) -> None:
    """Refuse source that python-liquid and liquidjs read differently.

    Raises:
        DirectiveError: with the reason.
    """
    tags = [_QUOTED.sub('""', tag) for tag in _MARKUP.findall(source)]
    comments = [match[1] for tag in tags if (match := _COMMENT.match(tag))]
    if any(one == following for one, following in pairwise(comments)):
        raise DirectiveError("must not nest comments: at Segment the first endcomment ends all of them")
    for pattern, reason in _MISREAD:
        if any(map(pattern.search, tags)):
            raise DirectiveError(reason)


_MARKUP = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_COMMENT = re.compile(r"\{%-?\s*(comment|endcomment)\b")
_MISREAD = (
    (re.compile("<>"), "must compare by !=, since Segment does not know <>"),
    (re.compile(r"[\w\]]\s+[.\[]|[.]\s"), "must hold no white space within a path: Segment ends the path there"),
)


def check(node: Node, context: RenderContext) -> None:
    """Refuse nodes that liquidjs renders differently, and replace the comparisons.

    Raises:
        DirectiveError: with the reason.
    """
    for expression in node.expressions():
        _check(expression)
    for child in node.children(context):
        check(child, context)


def _check(expression: Expression) -> None:
    if isinstance(expression, BooleanExpression):
        expression.expression = _condition(expression.expression)
        return
    for kinds, reason in _REFUSED:
        if isinstance(expression, kinds):
            raise DirectiveError(reason)
    if isinstance(expression, StringLiteral) and "\\" in expression.value:
        raise DirectiveError("must hold no backslash in a quoted text: it escapes at Segment only")
    if isinstance(expression, FilteredExpression):
        filters = expression.filters or []
        for one in filters:
            _check_filter(one)
        if (
            isinstance(expression.left, StringLiteral)
            and expression.left.value in CLOCK
            and filters[:1]
            and filters[0].name == "date"
        ):
            raise DirectiveError(f"must not ask for the date of {expression.left.value}: {NO_CLOCK}")
    for child in expression.children():
        _check(child)


_REFUSED = (
    ((Blank, Empty), "must use blank and empty only to compare with them"),
    ((RangeLiteral,), "must hold no range: it prints differently at Segment"),
)


def _check_filter(one: Filter) -> None:
    if one.name in IGNORED_BY_US:
        raise DirectiveError(f"must not use the filter {one.name}: {IGNORED_BY_US[one.name]}")
    named = {argument.name for argument in one.args if isinstance(argument, KeywordArgument)}
    row = FILTERS.get(one.name)
    if row is None:
        return
    if not row.least <= len(one.args) - len(named) <= row.most or not named <= row.named:
        raise DirectiveError(f"must give the filter {one.name} other arguments")
    constants = [argument.value.value for argument in one.args if isinstance(argument.value, StringLiteral)]
    if row.refuse and (reason := row.refuse(constants)):
        raise DirectiveError(f"must not use the filter {one.name} so: {reason}")


def _condition(expression: Expression) -> Expression:
    if isinstance(expression, LogicalAndExpression | LogicalOrExpression):
        expression.left, expression.right = _condition(expression.left), _condition(expression.right)
        return expression
    if type(expression) not in _COMPARISONS:
        _check(expression)
        return expression
    left, right = expression.left, expression.right  # type: ignore[attr-defined] # as all comparisons
    holds = _COMPARISONS[type(expression)]
    constants = [side for side in (left, right) if isinstance(side, _CONSTANTS)]
    for side in (left, right):
        if side not in constants:
            _check(side)
    if constants:
        if len(constants) > 1 or isinstance(expression, ContainsExpression):
            raise DirectiveError("must compare nil, blank and empty with a value, and not by contains")
        if type(expression) not in _EQUALITY:
            return _Comparison(left, right, lambda *_: False)
        is_constant, is_equality = _CONSTANTS_HOLD[type(constants[0])], type(expression) is EqExpression
        value = right if left is constants[0] else left
        return _Comparison(value, value, lambda side, _: is_constant(side) is is_equality)
    return _Comparison(left, right, holds)


class _Comparison(Expression):
    """A comparison of two expressions."""

    __slots__ = ("holds", "left", "right")

    def __init__(self, left: Expression, right: Expression, holds: Callable[[Any, Any], bool]) -> None:
        super().__init__(left.token)
        self.left, self.right, self.holds = left, right, holds

    def evaluate(self, context: RenderContext) -> bool:
        return self.holds(self.left.evaluate(context), self.right.evaluate(context))

    def children(self) -> list[Expression]:
        return [self.left, self.right]


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare two values by order.

    Two texts compare unit by unit, other values as numbers.
    """

    def compare(left: Any, right: Any) -> bool:
        left, right = (text(side) if isinstance(side, list | dict) else side for side in (left, right))
        if isinstance(left, str) and isinstance(right, str):
            return holds(left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass"))
        return holds(as_number(left), as_number(right))

    return compare


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, list):
        return any(equals(item, right) for item in left)
    return isinstance(left, str) and text(right) in left


_COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    EqExpression: equals,
    NeExpression: lambda left, right: not equals(left, right),
    LtExpression: _ordered(operator.lt),
    GtExpression: _ordered(operator.gt),
    LeExpression: _ordered(operator.le),
    GeExpression: _ordered(operator.ge),
    ContainsExpression: _contains,
}
_EQUALITY = (EqExpression, NeExpression)
_CONSTANTS = (Nil, Empty, Blank)
_CONSTANTS_HOLD: dict[type, Callable[[Any], bool]] = {
    Nil: is_nothing,
    Empty: lambda value: isinstance(value, str | list | dict) and not value,
    Blank: lambda value: (
        value is False
        or is_nothing(value)
        or (
            isinstance(value, str | list | dict) and not (value.strip(WHITE_SPACE) if isinstance(value, str) else value)
        )
    ),
}
