"""Compile a mapping to a function, in one walk that collects every problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.errors import DirectiveError, MappingError, MappingFailed
from bridge.json_text import is_deeper
from bridge.to_voucherify.language.javascript import UNDEFINED, kind, without_undefined
from bridge.to_voucherify.language.mapping.arguments import Argument, Arguments, Kind, is_directive_key, kind_of
from bridge.to_voucherify.language.mapping.directives import DIRECTIVES, Directive
from bridge.to_voucherify.language.mapping.paths import Run
from bridge.to_voucherify.language.mapping.places import Place

_UNUSED = "_metadata"
"""A key that can be beside a directive: Segment's app stores notes there."""

_ROOT = "__segment_internal_directive"
"""A key at the root of a mapping: a directive.

All other keys of the root are its argument ``mapping``.
"""

LEVELS = 50
"""The most nested objects and lists in a mapping.

The result for an event has at most so many levels more than the event.
"""

_DEEP = "nested too deeply"


def compile_mapping(source: Any) -> Callable[[Any], Any]:
    """Compile a mapping, such as ``{"email": {"@path": "$.traits.email"}}``.

    The function takes an event, as parsed from JSON, and returns the payload. The payload is JSON, and may share values
    with the event. It is ``UNDEFINED`` if the mapping is a directive without a value. The function raises
    ``MappingFailed``, and no other error, for an event on which Segment fails.

    Raises:
        MappingError: the mapping is invalid. The error names every problem.
    """
    if is_deeper(source, LEVELS):
        raise MappingError({"": f"{_DEEP}: at most {LEVELS} levels"})
    compiler = _Compiler()
    run = compiler.root(source)
    if compiler.problems:
        raise MappingError(compiler.problems)

    def mapped(event: Any) -> Any:
        if not isinstance(event, dict):
            raise MappingFailed("", f"an event is an object, not {kind(event)}")
        try:
            return run(event)
        except RecursionError:
            raise MappingFailed("", _DEEP) from None

    return mapped


def _nothing(_: Any) -> Any:
    return UNDEFINED


class _Compiler:
    """A walk through a mapping, with the problems so far."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def root(self, source: Any) -> Run:
        if type(source) is not dict:
            self._refuse(Place(), "must be an object")
            return _nothing
        if _ROOT not in source:
            return self._compile(source, Place())
        fields = {key: value for key, value in source.items() if key != _ROOT}
        directive = source[_ROOT]
        if type(directive) is not dict or len(directive) != 1 or type(next(iter(directive.values()))) is not dict:
            self._refuse(Place((_ROOT,)), "must be an object with one directive, whose value is an object")
            return _nothing
        ((name, arguments),) = directive.items()
        return self._compile({name: {**arguments, "mapping": fields}}, Place())

    def _refuse(self, place: Place, reason: str) -> None:
        self.problems.setdefault(str(place), reason)

    def _compile(self, node: Any, place: Place) -> Run:
        match kind_of(node):
            case None:
                self._refuse(place, "must be a JSON value")
                return _nothing
            case Kind.DIRECTIVE if place.checked or all(is_directive_key(key) or key == _UNUSED for key in node):
                return self._directive(node, place)
            case Kind.DIRECTIVE | Kind.OBJECT:
                return self._object(node, place)
            case Kind.LIST:
                return self._list(node, replace(place, checked=False))
        return lambda _: node

    def _object(self, node: dict[str, Any], place: Place) -> Run:
        if not all(isinstance(key, str) for key in node):
            self._refuse(place, "must be a JSON value, whose keys are texts")
            return _nothing
        fields = tuple((key, self._compile(value, place.below(key))) for key, value in node.items())
        if not place.final:
            return lambda payload: {key: run(payload) for key, run in fields}

        def make(payload: Any) -> dict[str, Any]:
            result = {}
            for key, run in fields:
                value = run(payload)
                if value is not UNDEFINED:
                    result[key] = value
            return result

        return make

    def _list(self, node: list[Any], place: Place) -> Run:
        runs = tuple(self._compile(item, place.below(index)) for index, item in enumerate(node))
        if place.final:
            return lambda payload: [None if (item := run(payload)) is UNDEFINED else item for run in runs]
        return lambda payload: [run(payload) for run in runs]

    def _directive(self, node: dict[str, Any], place: Place) -> Run:
        names = [key for key in node if is_directive_key(key)]
        if len(names) > 1 or not node.keys() <= {*names, _UNUSED}:
            self._refuse(place, "a directive stands alone, without other keys beside it")
            return _nothing
        (name,) = names
        directive = DIRECTIVES.get(name)
        if directive is None:
            self._refuse(place, f"{name} is no directive; there are {', '.join(sorted(DIRECTIVES))}")
            return _nothing
        return self._call(directive, node[name], place.below(name))

    def _call(self, directive: Directive, source: Any, place: Place) -> Run:
        problems_before = len(self.problems)
        arguments = dict(self._arguments(directive, source, place))
        runs = {
            name: self._argument(node, row, at.of(directive.checks, row.use, node))
            for name, (row, node, at) in arguments.items()
        }
        if len(self.problems) > problems_before:
            return _nothing
        try:
            run = directive.compile(
                Arguments(str(place), {name: node for name, (_, node, _) in arguments.items()}, runs)
            )
        except DirectiveError as refused:
            self._refuse(place.below(refused.argument) if refused.argument else place, str(refused))
            return _nothing
        if place.final and directive.leaks:
            return lambda payload: without_undefined(run(payload))
        return run

    def _argument(self, node: Any, row: Argument, place: Place) -> Run:
        if row.items is None:
            return self._compile(node, place)
        for index, item in enumerate(node):
            if (actual := kind_of(item)) not in row.items:
                self._refuse(place.below(index), _not(row.items, actual))
        return self._list(node, place)

    def _arguments(
        self, directive: Directive, source: Any, place: Place
    ) -> Iterator[tuple[str, tuple[Argument, Any, Place]]]:
        """Yield each valid argument and its place, and record the problems of the others."""
        arguments = _by_name(directive, source)
        if arguments is None:
            self._refuse(place, f"must be {'a list' if directive.is_list else 'an object'}")
            return
        for name, (at, node) in arguments.items():
            row = directive.takes.get(name, Argument())
            there = place.below(at) if at is not None else place
            if (actual := kind_of(node)) in row.takes:
                if reason := row.refuse(node):
                    self._refuse(there, reason)
                yield name, (row, node, there)
            else:
                self._refuse(there, _not(row.takes, actual))
        if missing := [name for name, row in directive.takes.items() if row.required and name not in arguments]:
            self._refuse(place, f"needs {' and '.join(missing)}")


def _by_name(directive: Directive, source: Any) -> Mapping[str, tuple[object, Any]] | None:
    """Return each argument's key and value; None if the form is wrong.

    The key is None if the directive takes a single argument.
    """
    if directive.is_single:
        (name,) = directive.takes
        return {name: (None, source)}
    if directive.is_list:
        return dict(zip(directive.takes, enumerate(source), strict=False)) if type(source) is list else None
    return {key: (key, value) for key, value in source.items()} if kind_of(source) is Kind.OBJECT else None


def _not(takes: frozenset[Kind], actual: Kind | None) -> str:
    return f"must be {' or '.join(sorted(takes))}, not {actual or 'a value that JSON does not have'}"
