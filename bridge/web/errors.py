"""Answer to a failed request: JSON with a code and a message."""

from collections.abc import Mapping
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import msgspec
import structlog
from flask import Flask, Response, jsonify, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import HTTPException, InternalServerError

from bridge.doors import direction_of_stem
from bridge.errors import (
    BridgeError,
    Forbidden,
    InHand,
    Invalid,
    NoSuchEvent,
    SignatureError,
    StoreUnavailable,
    TooManyEvents,
    UpstreamError,
)
from bridge.logs import Sparing, unexpected
from bridge.operations.monitoring.refusals import Refusals
from bridge.web.request_log import request_id


class Reply(NamedTuple):
    """Reply to an error: status and code, and the title of the console's page."""

    status: int
    code: str
    title: str


ERRORS: Mapping[type[BridgeError], Reply] = {
    Invalid: Reply(400, "invalid", "Invalid request"),
    SignatureError: Reply(401, "unauthorized", "Not signed in"),
    Forbidden: Reply(403, "forbidden", "Not allowed"),
    NoSuchEvent: Reply(404, "not_found", "Not found"),
    InHand: Reply(409, "conflict", "Being sent"),
    TooManyEvents: Reply(429, "too_many_requests", "Too many requests"),
    UpstreamError: Reply(502, "bad_gateway", "A service does not respond"),
    StoreUnavailable: Reply(503, "unavailable", "The database does not respond"),
}
"""Reply to each error that reaches a caller, at doors and console."""


_log = structlog.get_logger("bridge.web")
_complaints = Sparing()


class Answers(JSONProvider):
    """JSON of answers, on one line, with keys in the declared order."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Write JSON."""
        return msgspec.json.encode(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Read JSON."""
        return msgspec.json.decode(s)


def register(app: Flask, refusals: Refusals) -> None:
    """Register the error handlers of ``app``, which also count refused requests."""
    for kind in ERRORS:
        app.register_error_handler(kind, partial(_known, refusals))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def error(status: int, code: str, message: str, fields: Mapping[str, str] | None = None) -> Response:
    """Return ``{"error": {"code": …, "message": …, "fields": {path: problem}}}``."""
    response = jsonify(error={"code": code, "message": message, "fields": fields or {}})
    response.status_code = status
    return response


def _known(refusals: Refusals, raised: BridgeError) -> Response:
    status, code, _ = ERRORS[type(raised)]
    if isinstance(raised, SignatureError) and (direction := direction_of_stem(request.blueprint)):
        refusals.add(direction)
    if times := _complaints.admits(code):
        _log.warning("refused", path=request.path, status=status, reason=str(raised), times=times)
    response = error(status, code, str(raised), raised.fields if isinstance(raised, Invalid) else None)
    if isinstance(raised, TooManyEvents):
        response.retry_after = ceil(raised.wait_seconds)
    return response


def _http(raised: HTTPException) -> Response:
    response = error(raised.code or 500, raised.name.lower().replace(" ", "_"), raised.description or raised.name)
    for name, value in raised.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unexpected(raised: Exception) -> Response:
    """Answer 500.

    The log says where the error was raised. Its text may hold personal data, so it is not logged.
    """
    unexpected("request", raised, path=request.path, request_id=request_id())
    return _http(InternalServerError())
