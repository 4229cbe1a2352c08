"""Compile conditions to closures.

A trigger is compiled once, and evaluated once per event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import TriggerError
from bridge.to_voucherify.language.fql.conditions import Condition, Group, Path
from bridge.to_voucherify.language.fql.grammar import parse
from bridge.to_voucherify.language.javascript import member_or_function

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Trigger:
    """A compiled trigger.

    Two triggers are equal if their conditions are equal. ``str()`` returns source that compiles to an equal trigger.
    """

    root: Condition | Group
    _matches: Callable[[Event], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matches", _compile(self.root))

    def __str__(self) -> str:
        return str(self.root)

    def matches(self, event: Event) -> bool:
        """Return whether the trigger matches an event, a Segment call parsed from JSON.

        It never raises.
        """
        return self._matches(_fields(event))

    def mismatch(self, event: Event) -> str | None:
        """Return the first condition that fails, as text; None if the event matches.

        The text names the kind of a value, never the value, because it may be personal data.
        """
        return _mismatch(self.root, _fields(event))


def compile_trigger(text: str) -> Trigger:
    """Compile a trigger from its source, such as ``type = "track"``.

    Raises:
        TriggerError: Segment would not read the source, or not as it looks. No other error is raised.
    """
    if not isinstance(text, str):
        raise TriggerError(0, "a trigger is a text", 'write a condition such as type = "track"')
    return Trigger(parse(text))


def _fields(event: Any) -> Event:
    """Return the event's fields. JSON that is not an object has none."""
    return event if isinstance(event, Mapping) else {}


def _compile(node: Condition | Group) -> Callable[[Event], bool]:
    if isinstance(node, Group):
        tests = tuple(map(_compile, node.members))
        if node.joint == "and":
            return lambda event: all(test(event) for test in tests)
        return lambda event: any(test(event) for test in tests)
    read, test = _reader(node.path), node.operator.test(node.operand)
    return lambda event: test(read(event))


def _reader(path: Path) -> Callable[[Event], Any]:
    def read(event: Event) -> Any:
        value = event.get(path.root)
        for name in path.names:
            value = member_or_function(value, name)
        return value

    return read


def _mismatch(node: Condition | Group, event: Event) -> str | None:
    if isinstance(node, Condition):
        value = _reader(node.path)(event)
        return None if node.operator.test(node.operand)(value) else f"{node} fails: {_describe(node, value)}"
    failures = [_mismatch(member, event) for member in node.members]
    reasons = [failure for failure in failures if failure]
    if node.joint == "and":
        return reasons[0] if reasons else None
    return "; and ".join(reasons) if len(reasons) == len(failures) else None


_KINDS = ((bool, "a boolean"), (str, "text"), (int | float, "a number"), (list, "a list"), (Mapping, "an object"))


def _describe(condition: Condition, value: Any) -> str:
    if value is None:
        return f"{condition.path} is missing or null"
    if isinstance(condition.operand, bool | str) and type(value) is type(condition.operand):
        return f"{condition.path} is another one"
    return f"{condition.path} is " + next((name for kind, name in _KINDS if isinstance(value, kind)), "a function")
