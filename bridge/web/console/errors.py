"""What goes wrong, as a page; as JSON to a script."""

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from bridge.errors import InHand, Invalid, NoSuchEvent, SignatureError, StoreUnavailable
from bridge.logs import unexpected
from bridge.web.errors import error

_TOLD: dict[type[Exception], tuple[int, str]] = {
    Invalid: (400, "That cannot be done"),
    SignatureError: (401, "Not signed in"),
    NoSuchEvent: (404, "Nothing is here"),
    InHand: (409, "Not at this moment"),
    StoreUnavailable: (503, "The database does not answer"),
}


def register(app: Flask) -> None:
    """Answer every error of ``app`` so."""
    for kind in _TOLD:
        app.register_error_handler(kind, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def _known(raised: Exception) -> Response:
    status, title = _TOLD[type(raised)]
    return _answer(status, title, str(raised))


def _http(raised: HTTPException) -> Response:
    response = _answer(raised.code or 500, raised.name, raised.description or raised.name)
    for name, value in raised.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _unforeseen(raised: Exception) -> Response:
    unexpected("console", raised, path=request.path)
    return _http(InternalServerError())


def _answer(status: int, title: str, message: str) -> Response:
    if request.path.startswith("/api/"):
        return error(status, title.lower().replace(" ", "_"), message)
    return Response(render_template("error.html", status=status, title=title, message=message), status)
