"""What a caller gets when it does not get what it asked for: JSON, with a code and a message, and nothing else."""

from collections.abc import Mapping

import structlog
from flask import Flask, Response, jsonify, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException, InternalServerError

from bridge.errors import BridgeError, Invalid, SignatureError, StoreUnavailable, UpstreamError
from bridge.logs import Sparing

ERRORS: dict[type[BridgeError], tuple[int, str]] = {
    Invalid: (400, "invalid"),
    SignatureError: (401, "unauthorized"),
    UpstreamError: (502, "bad_gateway"),
    StoreUnavailable: (503, "unavailable"),
}
"""The status and code of each error that may reach a caller."""


_log = structlog.get_logger("bridge.web")
_complaints = Sparing()


class Answers(DefaultJSONProvider):
    """Answers are written as they are declared, on one line."""

    sort_keys = False
    compact = True


def register(app: Flask) -> None:
    """Answer every error of ``app`` in this form."""
    for kind in ERRORS:
        app.register_error_handler(kind, _told)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def error(status: int, code: str, message: str, fields: Mapping[str, str] | None = None) -> Response:
    """``{"error": {"code": …, "message": …, "fields": {path: problem}}}``"""
    response = jsonify(error={"code": code, "message": message, "fields": fields or {}})
    response.status_code = status
    return response


def _told(raised: BridgeError) -> Response:
    status, code = ERRORS[type(raised)]
    if times := _complaints.admits(code):
        _log.warning("refused", path=request.path, status=status, reason=str(raised), times=times)
    return error(status, code, str(raised), raised.fields if isinstance(raised, Invalid) else None)


def _http(raised: HTTPException) -> Response:
    response = error(raised.code or 500, raised.name.lower().replace(" ", "_"), raised.description or raised.name)
    for name, value in raised.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unforeseen(_: Exception) -> Response:
    return _http(InternalServerError())
