"""A call → the body of Voucherify's request, as the action's declaration says. What is absent is never sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.to_voucherify.actions import Action, Field

ABSENT: Any = object()
"""What is at a path that does not exist. Null is something else: it clears."""


def body(action: Action, call: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body for a ``call`` as the action's schema has loaded it."""
    made: dict[str, Any] = {}
    for goal in dict.fromkeys(field.goes_to for field in action.fields if field.goes_to):
        fields = [field for field in action.fields if field.goes_to == goal]
        value = _value(fields, call)
        if value is not ABSENT and value != {}:
            _put(made, goal, _cut(value, fields[0].longest))
    return made


def at(value: Any, path: str) -> Any:
    """What is at a dotted ``path`` in nested objects, or ``ABSENT``."""
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value


def _value(fields: Sequence[Field], call: Mapping[str, Any]) -> Any:
    """The value for the one goal of these fields: their own, or else what stands in for it."""
    given = [(field.stands_in, at(call, field.name)) for field in fields]
    own = next((value for stands_in, value in given if not stands_in), ABSENT)
    standing_in = _joined([value for stands_in, value in given if stands_in])
    return standing_in if own is ABSENT or (own is None and standing_in is not ABSENT) else own


def _joined(parts: Sequence[Any]) -> Any:
    """First and last name, for one. Null only if every part is: one part that is unknown does not clear the whole."""
    texts = [part.strip() for part in parts if isinstance(part, str)]
    if texts:
        return " ".join(texts)
    return None if parts and all(part is None for part in parts) else ABSENT


def _cut(value: Any, longest: int | None) -> Any:
    """At most so many characters, however they are counted: in UTF-16 units, which are never fewer."""
    if longest is None or not isinstance(value, str):
        return value
    return value.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")


def _put(made: dict[str, Any], goal: str, value: Any) -> None:
    """Whatever is there already stays: a group's trait named ``id`` is not the group's id."""
    *parents, name = goal.split(".")
    for key in parents:
        made = made.setdefault(key, {})
    prefix, star, _ = name.partition("*")
    for key, one in {prefix + key: one for key, one in value.items()}.items() if star else [(name, value)]:
        made.setdefault(key, one)
