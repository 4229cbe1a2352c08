"""marshmallow schemas of the actions' calls, made of their declarations.

A call is first made what Segment makes of it: numbers and booleans in text fields become texts, lists of one item
become the item, an object that is false or 0 becomes null. What the schemas load is the call without what says
nothing: no unknown keys, no empty texts, no nulls but those that clear a field, no object without what is essential to
it; dates as ``YYYY-MM-DD``.

A field of a customer that cannot be used does not cost the rest: it is left out. Source of the conversions:
``@segment/actions-core`` 3.170.0, which validates by ajv with ``coerceTypes: "array"``.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load

from bridge.errors import Invalid
from bridge.to_voucherify.actions import ACTIONS, Action, Field, Type
from bridge.to_voucherify.conversions import calendar_date, string
from bridge.to_voucherify.metadata import LeftOut


def load(action: Action, call: Any) -> tuple[dict[str, Any], LeftOut]:
    """Load ``call`` as the action understands it, and say which fields of it are left out, and why.

    Raises:
        Invalid: it violates the action's schema; all fields that do are named.
    """
    call = as_segment_sends(action, call)
    try:
        return _load(action, call), {}
    except Invalid as error:
        left_out = error.fields
        if not left_out.keys() <= {row.name for row in action.fields if _is_dispensable(action, row)}:
            raise
        return _load(action, reduce(_without, left_out, call)), left_out


def as_segment_sends(action: Action, call: Any) -> Any:
    """Convert the action's fields in ``call`` as Segment converts them before it validates; ``call`` stays as it is."""
    return _converted(action, call, "") if isinstance(call, dict) else call


def _converted(action: Action, values: dict[str, Any], parent: str) -> dict[str, Any]:
    made = dict(values)
    for row in action.fields:
        above, _, name = row.name.rpartition(".")
        if above == parent and name in made:
            value = _convert(row, made[name])
            made[name] = _converted(action, value, row.name) if isinstance(value, dict) else value
    return made


def _convert(row: Field, value: Any) -> Any:
    is_list = isinstance(value, list) and len(value) == 1
    value = value[0] if is_list else value
    if row.type is not Type.OBJECT:
        return string(value) if isinstance(value, int | float) else value
    is_false = value == "" if isinstance(value, str) else isinstance(value, int | float) and not value
    return None if row.nullable and is_false and (is_list or value != "") else value


def _is_dispensable(action: Action, row: Field) -> bool:
    """Whether the call is made without this field if it cannot be used: one of a customer, unless it is required."""
    return not row.required and (action.is_upsert or row.name.startswith("customer."))


def _without(call: dict[str, Any], path: str) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    if rest:
        return call | {name: _without(call[name], rest)}
    return {key: value for key, value in call.items() if key != name}


def _load(action: Action, call: Any) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = SCHEMAS[action.name].load(call)
    except ValidationError as error:
        raise Invalid(dict(_problems(error.messages_dict))) from error
    return loaded


def _problems(messages: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in messages.items():
        if isinstance(value, dict):
            yield from _problems(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}".removesuffix("_schema").removesuffix("."), " ".join(value)


class Text(fields.Field[str]):
    """A text, and nothing that could become one."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a text.")
        return value


class Date(Text):
    """A date or a datetime."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        try:
            return calendar_date(super()._deserialize(value))
        except ValueError as error:
            raise ValidationError("Not a date, or not clear which one.") from error


class Object(fields.Field[dict[str, Any]]):
    """An object with any keys."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        return value


class _Call(Schema):
    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "Not an object."}  # noqa: RUF012 - as marshmallow declares it

    @pre_load
    def _without_what_says_nothing(self, call: Any, **_: Any) -> Any:
        if not isinstance(call, dict):
            return call
        return {name: value for name, value in call.items() if name in self.fields and self._says(name, value)}

    def _says(self, name: str, value: Any) -> bool:
        if value is None:
            return self.fields[name].allow_none
        return not isinstance(value, str) or bool(value.strip())

    @post_load
    def _without_a_torso(self, call: dict[str, Any], **_: Any) -> dict[str, Any]:
        essential = (name for name, field in self.fields.items() if field.metadata["essential"])
        return call if all(name in call for name in essential) else {}


_TYPES: dict[Type, type[fields.Field[Any]]] = {Type.TEXT: Text, Type.DATE: Date, Type.OBJECT: Object}


def _schema(action: Action, parent: str = "") -> Schema:
    """Of the fields of an action that are directly in the object at ``parent``."""
    rows = [(*row.name.rpartition("."), row) for row in action.fields]
    return _Call.from_dict({name: _field(action, row) for where, _, name, row in rows if where == parent})()


def _field(action: Action, row: Field) -> fields.Field[Any]:
    rules: dict[str, Any] = {
        "required": row.required,
        "allow_none": row.nullable,
        "error_messages": {"required": "Missing."},
        "metadata": {"essential": row.essential},
    }
    if any(field.name.startswith(f"{row.name}.") for field in action.fields):
        return fields.Nested(_schema(action, row.name), **rules)
    return _TYPES[row.type](**rules)


SCHEMAS = {action.name: _schema(action) for action in ACTIONS.values()}
"""By an action's name."""
