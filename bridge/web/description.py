"""What the bridge serves, as OpenAPI at ``/openapi.json``: made of the marshmallow schemas that check what comes in.

Only what this bridge serves is in it: a direction that is off has no paths. The console is for people, and left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app, jsonify
from marshmallow import INCLUDE, Schema, fields, validate

from bridge import __version__
from bridge.arrival import Status
from bridge.doors import ACTIONS as CALLS
from bridge.doors import SEGMENT, TRACKING, VOUCHERIFY
from bridge.intake.segment import SECRET, SIGNATURE
from bridge.signature import HEADER
from bridge.to_segment.schemas import Balance, Envelope, Identifier
from bridge.to_voucherify.actions import ACTIONS
from bridge.to_voucherify.events import BATCH_EVENTS
from bridge.to_voucherify.events import TYPES as EVENT_TYPES
from bridge.to_voucherify.schemas import SCHEMAS, Object, Text
from bridge.web.tracking import ALIASES

PATH = "/openapi.json"

JSON = "application/json"


class Answer(Schema):
    """What became of what was posted."""

    status = fields.String(required=True, validate=validate.OneOf([str(status) for status in Status]))
    id = fields.String(required=True, allow_none=True)
    event = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class Problem(Schema):
    """What is wrong: by dotted path, if it is something in the body."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), required=True, data_key="fields")


class Refusal(Schema):
    """Every answer that is an error."""

    error = fields.Nested(Problem, required=True)


class Success(Schema):
    """What Segment's libraries expect."""

    success = fields.Boolean(required=True)


class Check(Schema):
    """One thing that was looked at."""

    ok = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)


class Readiness(Schema):
    """Whether this process can do its work."""

    status = fields.String(required=True, validate=validate.OneOf(["ready", "degraded", "unready"]))
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(Check), required=True)


class _Open(Schema):
    class Meta:
        unknown = INCLUDE


class Event(_Open):
    """An event as Segment's libraries send it; the path or ``type`` says of which kind."""

    type = fields.String(validate=validate.OneOf(EVENT_TYPES))
    messageId = Identifier(allow_none=True)  # noqa: N815 - Segment's name, as the following
    userId = Identifier(allow_none=True)  # noqa: N815
    anonymousId = Identifier(allow_none=True)  # noqa: N815
    event = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    groupId = Identifier(allow_none=True)  # noqa: N815
    properties = fields.Dict(allow_none=True)
    traits = fields.Dict(allow_none=True)
    context = fields.Dict(allow_none=True)
    integrations = fields.Dict(allow_none=True)
    timestamp = fields.String(allow_none=True)


class Batch(_Open):
    """Several events; what ``context`` and ``integrations`` say holds for all of them."""

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
"""How callers prove who they are."""

TYPES: Mapping[type[fields.Field[Any]], tuple[str, ...]] = {
    Text: ("string",),
    Object: ("object",),
    Identifier: ("string", "number"),
    Balance: ("object", "number"),
}
"""By a field of our own, the JSON types that it takes."""

_REFUSALS = {
    400: "what was posted is wrong",
    401: "the caller has not proved who it is",
    413: "the body is too large",
    415: "the body is of another type",
    503: "nothing can be stored at the moment",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One row.

    Attributes:
        body: the schema of what is posted.
        answer: the schema of the answer that is no error; None if it is an object that has none.
        security: all of these together.
        otherwise: further answers, by status.
        media: of the answer that is no error.
        also: further answers that are no refusals, by status.
    """

    path: str
    says: str
    answer: type[Schema] | None
    method: str = "post"
    status: int = 200
    body: Schema | type[Schema] | None = None
    security: tuple[str, ...] = ()
    otherwise: Mapping[int, str] = field(default_factory=dict)
    media: str = JSON
    also: Mapping[int, type[Schema]] = field(default_factory=dict)


_KEYS = ("application id", "secret key")

OPERATIONS = (
    Operation(f"/{VOUCHERIFY}", "Voucherify's webhook URL", Answer, status=202, body=Envelope,
              security=("voucherify signature",), otherwise=_REFUSALS),
    Operation("/segmentio/test-authentication", "Segment's destination tests its keys", Answer, method="get",
              security=_KEYS, otherwise={401: _REFUSALS[401], 502: "Voucherify does not say"}),
    *(Operation(f"/{path}", ACTIONS[name].title, Answer, body=SCHEMAS[name], security=_KEYS, otherwise=_REFUSALS)
      for path, name in CALLS.items()),
    *(Operation(f"/{name}", f"Segment's tracking API: {kind}", Success, body=Batch if kind == "batch" else Event,
                security=("write key",), otherwise=_REFUSALS)
      for path, kind in TRACKING.items() for name in (path, *ALIASES[path])),
    Operation(f"/{SEGMENT}", "Segment's webhooks: an event, or an array of them", Answer, body=Event,
              security=("segment signature", "bridge secret"), otherwise=_REFUSALS),
    Operation("/healthz", "Whether this process answers", None, method="get"),
    Operation("/readyz", "Whether this process can do its work", Readiness, method="get", also={503: Readiness}),
    Operation("/metrics", "Metrics, as Prometheus reads them", None, method="get", media="text/plain",
              otherwise={503: "the database does not answer"}),
    Operation(PATH, "This description", None, method="get"),
)  # fmt: skip
"""What any caller may find here."""


def blueprint() -> Blueprint:
    """``GET /openapi.json``"""
    door = Blueprint("description", __name__)

    @door.get(PATH)
    def description() -> Response:
        return jsonify(describe(current_app))

    return door


def describe(app: Flask) -> dict[str, Any]:
    """The description of what ``app`` serves."""
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
    shape: Any = operation.answer or {"type": "object" if operation.media == JSON else "string"}
    yield (
        "responses",
        {
            operation.status: {"description": "done", "content": {operation.media: {"schema": shape}}},
            **{
                status: {"description": "not done", "content": {JSON: {"schema": schema}}}
                for status, schema in operation.also.items()
            },
            **{
                status: {"description": says, "content": {JSON: {"schema": Refusal}}}
                for status, says in operation.otherwise.items()
            },
        },
    )


def _types(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    """The JSON types of the fields of our own."""
    types = next((types for kind, types in TYPES.items() if isinstance(field, kind)), ())
    return {"type": [*types, *(["null"] if field.allow_none else [])]} if types else {}


def _name(schema: Schema | type[Schema] | str) -> str | None:
    """Of a component; what an action's declaration makes has no name, and stands where it is used."""
    name = schema if isinstance(schema, str) else (schema if isinstance(schema, type) else type(schema)).__name__
    return None if name == "GeneratedSchema" else name.lstrip("_")
