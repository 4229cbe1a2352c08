"""Answer errors with a page, or with JSON to a script."""

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from bridge.errors import InHand, Invalid, NoSuchEvent, SignatureError, StoreUnavailable
from bridge.logs import unexpected
from bridge.web.errors import error

_ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    Invalid: (400, "that_cannot_be_done", "Invalid request"),
    SignatureError: (401, "not_signed_in", "Not signed in"),
    NoSuchEvent: (404, "nothing_is_here", "Not found"),
    InHand: (409, "not_at_this_moment", "Being sent"),
    StoreUnavailable: (503, "the_database_does_not_answer", "The database does not respond"),
}
"""By error: the status, the code for scripts, and the title for people."""


def register(app: Flask) -> None:
    """Register the handlers of all errors in ``app``."""
    for kind in _ERRORS:
        app.register_error_handler(kind, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _known(raised: Exception) -> Response:
    return _answer(*_ERRORS[type(raised)], str(raised))


def _http(raised: HTTPException) -> Response:
    code = raised.name.lower().replace(" ", "_")
    response = _answer(raised.code or 500, code, raised.name, raised.description or raised.name)
    for name, value in raised.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _unexpected(raised: Exception) -> Response:
    unexpected("console", raised, path=request.path)
    return _http(InternalServerError())


def _answer(status: int, code: str, title: str, message: str) -> Response:
    if request.path.startswith("/api/"):
        return error(status, code, message)
    return Response(render_template("error.html", status=status, title=title, message=message), status)
