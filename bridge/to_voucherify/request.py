"""Build the body of Voucherify's request from a call.

The action declares where each field goes. An absent field is never sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.to_voucherify.actions import Action, Field

ABSENT: Any = object()
"""The value at a path that does not exist.

It differs from null, which clears a field.
"""


def body(action: Action, call: Mapping[str, Any]) -> dict[str, Any]:
    """Build the request's body for a call that the action's schema has loaded."""
    request: dict[str, Any] = {}
    for target in dict.fromkeys(field.target for field in action.fields if field.target):
        fields = [field for field in action.fields if field.target == target]
        value = _value(fields, call)
        if value is not ABSENT and value != {}:
            _put(request, target, _cut(value, fields[0].longest))
    return request


def at(value: Any, path: str) -> Any:
    """Return the value at a dotted ``path`` in nested objects, or ``ABSENT``."""
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value


def _value(fields: Sequence[Field], call: Mapping[str, Any]) -> Any:
    """Return the value for a target: of its own field, else of its fallbacks."""
    own = next((at(call, field.name) for field in fields if not field.is_fallback), ABSENT)
    fallback = _joined([at(call, field.name) for field in fields if field.is_fallback])
    return fallback if own is ABSENT or (own is None and fallback is not ABSENT) else own


def _joined(parts: Sequence[Any]) -> Any:
    """Join parts, such as first and last name, by a space.

    The result is null only if every part is null: a part that is absent does not clear the whole.
    """
    texts = [part.strip() for part in parts if isinstance(part, str)]
    if texts:
        return " ".join(texts)
    return None if parts and all(part is None for part in parts) else ABSENT


def _cut(value: Any, longest: int | None) -> Any:
    """Cut a text after ``longest`` UTF-16 units.

    A text never has fewer UTF-16 units than characters.
    """
    if longest is None or not isinstance(value, str):
        return value
    return value.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")


def _put(request: dict[str, Any], target: str, value: Any) -> None:
    """Set a value at a path, unless the path already has one.

    So a group's trait named ``id`` does not replace the group's id.
    """
    *parents, name = target.split(".")
    for key in parents:
        request = request.setdefault(key, {})
    prefix, star, _ = name.partition("*")
    for key, item in {prefix + key: item for key, item in value.items()}.items() if star else [(name, value)]:
        request.setdefault(key, item)
