"""Answer errors with a page, or with JSON to a script."""

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from bridge.errors import BridgeError
from bridge.logs import unexpected
from bridge.web.console.security.input import has_wrong_host
from bridge.web.errors import ERRORS, error


def register(app: Flask) -> None:
    """Register the handlers of all errors in ``app``."""
    for kind in ERRORS:
        app.register_error_handler(kind, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _known(raised: BridgeError) -> Response:
    status, code, title = ERRORS[type(raised)]
    return _answer(status, code, title, str(raised))


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
    if request.path.startswith("/api/") or has_wrong_host():
        return error(status, code, message)
    return Response(render_template("error.html", status=status, title=title, message=message), status)
