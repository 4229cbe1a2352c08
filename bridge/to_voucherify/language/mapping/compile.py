"""A mapping, as written → a function, in one walk that gathers every problem on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.errors import DirectiveError, MappingError, MappingFailed
from bridge.json_text import is_deeper
from bridge.to_voucherify.language.javascript import UNDEFINED, kind, without_undefined
from bridge.to_voucherify.language.mapping.arguments import Argument, Given, Kind, is_directive_key, kind_of
from bridge.to_voucherify.language.mapping.directives import DIRECTIVES, Directive
from bridge.to_voucherify.language.mapping.paths import Run
from bridge.to_voucherify.language.mapping.places import Place

_UNUSED = "_metadata"
"""May stand beside a directive: Segment's app keeps notes there."""

_ROOT = "__segment_internal_directive"
"""At the root of a mapping: a directive, to which all other keys are the argument ``mapping``."""

LEVELS = 50
"""Objects and lists within each other in a mapping. What it makes of an event is at most so much deeper than that."""

_DEEP = "nested too deeply"


def compile_mapping(source: Any) -> Callable[[Any], Any]:
    """A mapping in the form of Segment's API, such as ``{"email": {"@path": "$.traits.email"}}``, as a function.

    The function takes an event, as parsed from JSON, and returns the payload: JSON, which may share values with the
    event; ``UNDEFINED`` if the mapping is a directive that finds nothing. It raises ``MappingFailed``, and nothing
    else, for an event that Segment would fail on.

    Raises:
        MappingError: the mapping is not one, or can never be applied; says every problem.
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
    """The problems that were found so far."""

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
            self._refuse(Place((_ROOT,)), "must be an object with one directive, which takes an object")
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
            made = {}
            for key, run in fields:
                value = run(payload)
                if value is not UNDEFINED:
                    made[key] = value
            return made

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

    def _call(self, directive: Directive, written: Any, place: Place) -> Run:
        known = len(self.problems)
        arguments = dict(self._arguments(directive, written, place))
        runs = {
            name: self._argument(node, row, at.of(directive.checks, row.use, node))
            for name, (row, node, at) in arguments.items()
        }
        if len(self.problems) > known:
            return _nothing
        try:
            run = directive.compile(Given(str(place), {name: node for name, (_, node, _) in arguments.items()}, runs))
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
            if (found := kind_of(item)) not in row.items:
                self._refuse(place.below(index), _not(row.items, found))
        return self._list(node, place)

    def _arguments(
        self, directive: Directive, written: Any, place: Place
    ) -> Iterator[tuple[str, tuple[Argument, Any, Place]]]:
        """What is given for each argument, and where; what is not given, or must not be, is told as a problem."""
        given = _named(directive, written)
        if given is None:
            self._refuse(place, f"must be {'a list' if directive.is_list else 'an object'}")
            return
        for name, (at, node) in given.items():
            row = directive.takes.get(name, Argument())
            there = place.below(at) if at is not None else place
            if (found := kind_of(node)) in row.takes:
                if reason := row.refuse(node):
                    self._refuse(there, reason)
                yield name, (row, node, there)
            else:
                self._refuse(there, _not(row.takes, found))
        if missing := [name for name, row in directive.takes.items() if row.required and name not in given]:
            self._refuse(place, f"needs {' and '.join(missing)}")


def _named(directive: Directive, written: Any) -> Mapping[str, tuple[object, Any]] | None:
    """By argument: its key, None if the directive takes just one, and what is written there. None if this cannot be."""
    if directive.is_single:
        (name,) = directive.takes
        return {name: (None, written)}
    if directive.is_list:
        return dict(zip(directive.takes, enumerate(written), strict=False)) if type(written) is list else None
    return {key: (key, value) for key, value in written.items()} if kind_of(written) is Kind.OBJECT else None


def _not(takes: frozenset[Kind], found: Kind | None) -> str:
    return f"must be {' or '.join(sorted(takes))}, not {found or 'what JSON has not'}"
