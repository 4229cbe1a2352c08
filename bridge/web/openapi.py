"""OpenAPI description at ``/openapi.json``, made from the marshmallow schemas.

The schemas are those that validate requests. The description has only the paths of this bridge: a direction that is off
has none. The console is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app
from marshmallow import INCLUDE, Schema, fields, validate

from bridge import __version__
from bridge.doors import ACTIONS as CALLS
from bridge.doors import SEGMENT, TRACKING, VOUCHERIFY
from bridge.intake import SECRET, SIGNATURE
from bridge.messages import EVENT_TYPES, Status
from bridge.signature import HEADER
from bridge.to_segment.schemas import Balance, Envelope, Identifier
from bridge.to_voucherify.actions import ACTIONS
from bridge.to_voucherify.raw_events.posted import BATCH_EVENTS
from bridge.to_voucherify.schemas import SCHEMAS, Object, Text
from bridge.web.doors.tracking_api import ALIASES
from bridge.web.doors.waiting import LONGEST_SECONDS

PATH = "/openapi.json"

JSON = "application/json"


class Stored(Schema):
    """Answer after a message is stored."""

    status = fields.String(required=True, validate=validate.Equal("stored"))
    id = fields.String(required=True)


class Outcome(Schema):
    """Outcome of an event, for a sender that waits."""

    status = fields.String(required=True, validate=validate.OneOf([str(status) for status in Status]))
    id = fields.String(required=True, allow_none=True)
    event = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class Problem(Schema):
    """Error with a code, a message, and the wrong fields by dotted path."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), required=True, data_key="fields")


class Refusal(Schema):
    """Answer of every refused or failed request."""

    error = fields.Nested(Problem, required=True)


class Success(Schema):
    """Answer of the tracking API.

    It has ``results``, one per event, for a sender that waits.
    """

    success = fields.Boolean(required=True)
    results = fields.List(fields.Nested(Outcome))


class Check(Schema):
    """Result of one check."""

    ok = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)


class Readiness(Schema):
    """Readiness of this process."""

    status = fields.String(required=True, validate=validate.OneOf(["ready", "degraded", "unready"]))
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(Check), required=True)


class _Open(Schema):
    class Meta:
        unknown = INCLUDE


class Event(_Open):
    """An event of Segment's libraries; the path or ``type`` says of which type."""

    type = fields.String(validate=validate.OneOf(EVENT_TYPES))
    messageId = Identifier(allow_none=True)  # noqa: N815 - Segment's name, as the following
    userId = Identifier(allow_none=True)  # noqa: N815 - Segment's name
    anonymousId = Identifier(allow_none=True)  # noqa: N815 - Segment's name
    event = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    groupId = Identifier(allow_none=True)  # noqa: N815 - Segment's name
    properties = fields.Dict(allow_none=True)
    traits = fields.Dict(allow_none=True)
    context = fields.Dict(allow_none=True)
    integrations = fields.Dict(allow_none=True)
    timestamp = fields.String(allow_none=True)


class Batch(_Open):
    """Several events, with ``context`` and ``integrations`` for all of them."""

    batch = fields.List(fields.Nested(Event), required=True, validate=validate.Length(max=BATCH_EVENTS))
    writeKey = fields.String()  # noqa: N815 - Segment's name
    context = fields.Dict()
    integrations = fields.Dict()


SECURITY: Mapping[str, Mapping[str, str]] = {
    "voucherify signature": {"type": "apiKey", "in": "header", "name": HEADER},
    "application id": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "secret key": {"type": "apiKey", "in": "header", "name": "Secret-Key"},
    "write key": {"type": "http", "scheme": "basic"},
    "segment signature": {"type": "apiKey", "in": "header", "name": SIGNATURE},
    "bridge secret": {"type": "apiKey", "in": "header", "name": SECRET},
}
"""Proofs of callers."""

TYPES: Mapping[type[fields.Field[Any]], tuple[str, ...]] = {
    Text: ("string",),
    Object: ("object",),
    Identifier: ("string", "number"),
    Balance: ("object", "number"),
}
"""JSON types by type of the bridge's own fields."""

PREFER: Mapping[str, Any] = {
    "in": "header",
    "name": "Prefer",
    "description": f"wait=N: wait up to N seconds, at most {LONGEST_SECONDS:g}, for the outcome (RFC 7240)",
    "schema": {"type": "string", "pattern": "^wait=[0-9]{1,6}$"},
}

APPLIED: Mapping[str, Any] = {
    "Preference-Applied": {
        "description": "present if the answer is the outcome",
        "schema": {"type": "string", "enum": ["wait"]},
    }
}

_EACH: Mapping[str, Any] = {"type": "array", "items": Outcome}

_REFUSALS = {
    400: "the body is wrong",
    401: "the signature, key or secret is missing or wrong",
    413: "the body is too large",
    415: "the content type is wrong",
    503: "the message cannot be stored; retry",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the description.

    Attributes:
        body: schema of the body.
        answer: schemas of successful answers; none if it is an object without a schema.
        can_wait: whether the sender may prefer to wait for the outcome.
        security: required together.
        otherwise: further answers, by status.
        media: content type of the successful answer.
        also: further answers without an error, by status.
    """

    path: str
    says: str
    answer: tuple[type[Schema] | Mapping[str, Any], ...]
    method: str = "post"
    status: int = 200
    body: Schema | type[Schema] | None = None
    security: tuple[str, ...] = ()
    otherwise: Mapping[int, str] = field(default_factory=dict)
    media: str = JSON
    also: Mapping[int, type[Schema]] = field(default_factory=dict)
    can_wait: bool = False


_KEYS = ("application id", "secret key")

_REFUSALS_OF_KEYS = _REFUSALS | {
    403: "the write key may not send this type of event",
    429: "the write key's rate is exceeded; retry after Retry-After seconds",
}

_OF_ANY_CONTENT = {status: says for status, says in _REFUSALS.items() if status in (401, 413, 503)}

OPERATIONS = (
    Operation(f"/{VOUCHERIFY}", "Voucherify's webhook URL", (Stored, Outcome), status=202, body=Envelope,
              security=("voucherify signature",), otherwise=_OF_ANY_CONTENT, can_wait=True),
    Operation("/segmentio/test-authentication", "Test of the keys of Segment's destination", (Outcome,), method="get",
              security=_KEYS, otherwise={401: _REFUSALS[401], 502: "Voucherify does not answer"}),
    *(Operation(f"/{path}", ACTIONS[name].title, (Stored, Outcome), body=SCHEMAS[name], security=_KEYS,
                otherwise=_REFUSALS, can_wait=True)
      for path, name in CALLS.items()),
    *(Operation(f"/{name}", f"Segment's tracking API: {kind}", (Success,), body=Batch if kind == "batch" else Event,
                security=("write key",), otherwise=_REFUSALS_OF_KEYS, can_wait=True)
      for path, kind in TRACKING.items() for name in (path, *ALIASES[path])),
    Operation(f"/{SEGMENT}", "Segment's webhooks: an event, or an array of them", (Stored, Outcome, _EACH), body=Event,
              security=("segment signature", "bridge secret"), otherwise=_REFUSALS, can_wait=True),
    Operation("/healthz", "Whether this process answers", (), method="get"),
    Operation("/readyz", "Whether this process can store, and what else is wrong", (Readiness,), method="get",
              also={503: Readiness}),
    Operation("/metrics", "Metrics, as Prometheus reads them", (), method="get", media="text/plain",
              otherwise={503: "the database does not answer"}),
    Operation(PATH, "This description", (), method="get"),
)  # fmt: skip
"""Operations that the bridge may serve."""


def blueprint() -> Blueprint:
    """Serve ``GET /openapi.json``."""
    door = Blueprint("description", __name__)

    @door.get(PATH)
    def description() -> Response:
        return Response(text(), content_type=JSON)

    @cache
    def text() -> str:
        """Return the description, made once: no path is added later."""
        return current_app.json.dumps(describe(current_app)) + "\n"

    return door


def describe(app: Flask) -> dict[str, Any]:
    """Return the description of what ``app`` serves."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)  # type: ignore[arg-type] # which may give no name
    spec = APISpec("voucherify-segment-bridge", __version__, "3.1.0", plugins=[plugin])
    converter: Any = plugin.converter
    converter.add_attribute_function(_types)
    for name, scheme in SECURITY.items():
        spec.components.security_scheme(name.replace(" ", "-"), dict(scheme))
    served = {rule.rule for rule in app.url_map.iter_rules()}
    for operation in OPERATIONS:
        if operation.path in served:
            spec.path(operation.path, operations={operation.method: dict(_described(operation))})
    return spec.to_dict()


def _described(operation: Operation) -> Iterator[tuple[str, Any]]:
    yield "summary", operation.says
    if operation.security:
        yield "security", [{name.replace(" ", "-"): [] for name in operation.security}]
    if operation.body:
        yield "requestBody", {"required": True, "content": {JSON: {"schema": operation.body}}}
    if operation.can_wait:
        yield "parameters", [PREFER]
    yield (
        "responses",
        {
            operation.status: {
                "description": "done",
                "content": {operation.media: {"schema": _shape(operation)}},
                **({"headers": APPLIED} if operation.can_wait else {}),
            },
            **{
                status: {"description": "problem", "content": {JSON: {"schema": schema}}}
                for status, schema in operation.also.items()
            },
            **{
                status: {"description": says, "content": {JSON: {"schema": Refusal}}}
                for status, says in operation.otherwise.items()
            },
        },
    )


def _shape(operation: Operation) -> Any:
    if len(operation.answer) > 1:
        return {"oneOf": list(operation.answer)}
    return next(iter(operation.answer), {"type": "object" if operation.media == JSON else "string"})


def _types(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    """Return the JSON types of the bridge's own fields."""
    types = next((types for kind, types in TYPES.items() if isinstance(field, kind)), ())
    return {"type": [*types, *(["null"] if field.allow_none else [])]} if types else {}


def _name(schema: Schema | type[Schema] | str) -> str | None:
    """Return the name of a component, or None.

    The schema of an action has no name, and stands where it is used.
    """
    name = schema if isinstance(schema, str) else (schema if isinstance(schema, type) else type(schema)).__name__
    return None if name == "GeneratedSchema" else name.lstrip("_")
