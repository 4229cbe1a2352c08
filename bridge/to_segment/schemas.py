"""Check the types of the parts of a webhook that the bridge uses.

Voucherify adds keys, and leaves objects null or out. So a schema requires only the keys that every webhook has. The
schemas do not convert: the bridge passes on the webhook's own values and the order of its keys.
Source: Voucherify's published OpenAPI description of its webhooks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, missing

from bridge.errors import Unusable
from bridge.to_segment.catalogue import EVENTS, EVERY_EVENT, Event


def check(schema: Schema, value: Any, prefix: str = "") -> None:
    """Check ``value``, which is at ``prefix``, against ``schema``.

    Raises:
        Unusable: it violates the schema. The text names every field:
            ``data.customer.source_id: Not a text or a number.``
    """
    if problems := _problems(schema, value):
        raise Unusable("; ".join(f"{path}: {' '.join(texts)}" for path, texts in _lines(problems, prefix)))


def fits(schema: Schema, value: Any) -> bool:
    """Return whether ``value`` satisfies ``schema``."""
    return not _problems(schema, value)


def _problems(schema: Schema, value: Any) -> dict[str, Any]:
    """Return the problems that ``schema.validate`` returns.

    ``validate`` also copies every value. Without it, a translation takes a fifth less (290 → 225 µs for a redemption of
    4.6 KB).
    """
    if not isinstance(value, dict):
        return {"_schema": ["Not an object."]}
    problems: dict[str, Any] = {}
    for name, field in schema.fields.items():
        if name in value or field.required:
            try:
                field.deserialize(value.get(name, missing))
            except ValidationError as error:
                problems[name] = error.messages
    return problems


def _lines(problems: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, list[str]]]:
    for key, value in problems.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}".removesuffix("._schema"), value


class _OneOf(fields.Field[Any]):
    """A value of some JSON types. Unlike in Python, ``true`` is not a number."""

    types: tuple[type, ...]
    problem: str

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, self.types):
            raise ValidationError(self.problem)
        return value


class Identifier(_OneOf):
    """A text, or a number."""

    types = (str, int, float)
    problem = "Not a text or a number."


class Balance(_OneOf):
    """An object, or a number."""

    types = (dict, int, float)
    problem = "Not an object or a number."


class Part(fields.Nested):
    """An object in another object. It is checked, and not converted."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if problems := _problems(self.schema, value):
            raise ValidationError(problems)
        return value


class _Open(Schema):
    class Meta:
        unknown = INCLUDE


class Customer(_Open):
    """The customer who acted. ``source_id`` is the ``userId`` at Segment."""

    source_id = Identifier(allow_none=True)
    email = fields.String(allow_none=True)


class Act(_Open):
    """A redemption, rollback, publication, validation or reward redemption."""

    id = fields.String(allow_none=True)
    customer = Part(Customer, allow_none=True)


class Happening(_Open):
    """The envelope's ``event``."""

    id = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    event_source = fields.Dict(allow_none=True)


class Source(_Open):
    """The webhook or distribution that sent the message."""

    id = fields.String(allow_none=True)


class Envelope(_Open):
    """What both kinds of webhook share."""

    project_id = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    data = fields.Dict(required=True)
    event = Part(Happening, allow_none=True)
    source = Part(Source, allow_none=True)


CUSTOMER = Customer()
ENVELOPE = Envelope()

OBJECTS: dict[str, fields.Field[Any]] = {
    "customer": Part(Customer, allow_none=True),
    "redemption": Part(Act, allow_none=True),
    "redemption_rollback": Part(Act, allow_none=True),
    "reward_redemption": Part(Act, allow_none=True),
    "publication": Part(Act, allow_none=True),
    "validation": Part(Act, allow_none=True),
    "balance": Balance(allow_none=True),
}
"""The objects of ``data`` that the bridge looks into.

It passes the others on as they are.
"""


def _data_schema(event: Event) -> Schema:
    names = (*EVERY_EVENT, *event.fields)
    return _Open.from_dict({name: OBJECTS.get(name, fields.Dict(allow_none=True)) for name in names})()


DATA = {event.type: _data_schema(event) for event in EVENTS}
"""By the type of a catalogue row: the schema of the event's ``data``."""
