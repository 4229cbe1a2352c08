"""The answer to a request to the console that fails: a page; JSON to a script."""

from collections.abc import Mapping

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from bridge.errors import BridgeError, InHand, Invalid, NoSuchEvent, SignatureError, StoreUnavailable, UpstreamError
from bridge.logs import unexpected
from bridge.web.errors import ERRORS, error

TITLES: Mapping[type[BridgeError], str] = {
    Invalid: "That cannot be done",
    SignatureError: "Not signed in",
    NoSuchEvent: "Nothing is here",
    InHand: "Not at this moment",
    UpstreamError: "A service does not answer",
    StoreUnavailable: "The database does not answer",
}
"""The title of each error's page. Its status is the one of ``ERRORS``."""


def register(app: Flask) -> None:
    """Answer every error of ``app`` in this form."""
    for kind in ERRORS:
        app.register_error_handler(kind, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _known(raised: BridgeError) -> Response:
    status, _ = ERRORS[type(raised)]
    return _answer(status, TITLES[type(raised)], str(raised))


def _http(raised: HTTPException) -> Response:
    response = _answer(raised.code or 500, raised.name, raised.description or raised.name)
    for name, value in raised.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _unexpected(raised: Exception) -> Response:
    unexpected("console", raised, path=request.path)
    return _http(InternalServerError())


def _answer(status: int, title: str, message: str) -> Response:
    if request.path.startswith("/api/"):
        return error(status, title.lower().replace(" ", "_"), message)
    return Response(render_template("error.html", status=status, title=title, message=message), status)
