"""Id and duration of a request.

The id is the proxy's, or one that the bridge makes.
"""

import re
import time
from secrets import token_hex

from flask import Flask, Response, g, request

HEADER = "X-Request-Id"

_READABLE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""Accepted ids; the log must not repeat any other text of a sender."""


def register(app: Flask) -> None:
    """Give every request an id, and return it in a header."""
    app.before_request(_begin)
    app.after_request(_answer)


def request_id() -> str:
    """Return the id of the current request."""
    value: str = g.request_id
    return value


def seconds() -> float:
    """Return the seconds since the current request arrived."""
    began: float = g.began
    return round(time.monotonic() - began, 4)


def _begin() -> None:
    g.began = time.monotonic()
    value = request.headers.get(HEADER, "")
    g.request_id = value if _READABLE.fullmatch(value) else token_hex(16)


def _answer(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    return response
