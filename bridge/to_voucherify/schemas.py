"""Validate the actions' calls with marshmallow schemas, built from the actions.

First, a call is converted as Segment converts it. Numbers and booleans in text fields become texts. A list of one item
becomes the item. An object that is false or 0 becomes null. Source: ``@segment/actions-core`` 3.170.0, which
validates with ajv and ``coerceTypes: "array"``.

Then the schemas load it. They drop unknown keys, empty texts, nulls that do not clear a field, and objects without
their essential field. Dates become ``YYYY-MM-DD``. An invalid field of a customer is left out; the rest is sent.
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
    """Load a call by its action's schema.

    Returns:
        The call, and the fields that were left out with the reason.

    Raises:
        Invalid: the call violates the schema. The error names every field.
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
    """Convert the action's fields as Segment does before it validates.

    ``call`` is not changed.
    """
    return _converted(action, call, "") if isinstance(call, dict) else call


def _converted(action: Action, values: dict[str, Any], parent: str) -> dict[str, Any]:
    converted = dict(values)
    for row in action.fields:
        above, _, name = row.name.rpartition(".")
        if above == parent and name in converted:
            value = _convert(row, converted[name])
            converted[name] = _converted(action, value, row.name) if isinstance(value, dict) else value
    return converted


def _convert(row: Field, value: Any) -> Any:
    is_list = isinstance(value, list) and len(value) == 1
    value = value[0] if is_list else value
    if row.type is not Type.OBJECT:
        return string(value) if isinstance(value, int | float) else value
    is_false = value == "" if isinstance(value, str) else isinstance(value, int | float) and not value
    return None if row.nullable and is_false and (is_list or value != "") else value


def _is_dispensable(action: Action, row: Field) -> bool:
    """Return whether a call is sent without this field if the field is invalid.

    This holds for the fields of a customer that are not required.
    """
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
    """A text. No other type is converted."""

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
    def _drop_empty(self, call: Any, **_: Any) -> Any:
        if not isinstance(call, dict):
            return call
        return {name: value for name, value in call.items() if name in self.fields and self._has_content(name, value)}

    def _has_content(self, name: str, value: Any) -> bool:
        if value is None:
            return self.fields[name].allow_none
        return not isinstance(value, str) or bool(value.strip())

    @post_load
    def _drop_incomplete(self, call: dict[str, Any], **_: Any) -> dict[str, Any]:
        essential = (name for name, field in self.fields.items() if field.metadata["essential"])
        return call if all(name in call for name in essential) else {}


_TYPES: dict[Type, type[fields.Field[Any]]] = {Type.TEXT: Text, Type.DATE: Date, Type.OBJECT: Object}


def _schema(action: Action, parent: str = "") -> Schema:
    """Build the schema of one object of the action's fields.

    Args:
        parent: the object's path, "" for the call itself.
    """
    rows = [(*row.name.rpartition("."), row) for row in action.fields]
    return _Call.from_dict({name: _field(action, row) for above, _, name, row in rows if above == parent})()


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
"""By the action's name."""
