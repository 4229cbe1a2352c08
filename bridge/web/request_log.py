"""What a request is called, in the log and to its sender: as a proxy before us calls it, else by an id of our own."""

import re
import time
from secrets import token_hex

from flask import Flask, Response, g, request

HEADER = "X-Request-Id"

_READABLE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""Any other is not repeated: it would be a stranger's text in the log."""


def register(app: Flask) -> None:
    """Give every request an id, and answer it."""
    app.before_request(_begin)
    app.after_request(_answer)


def request_id() -> str:
    """Of the request that is being answered."""
    given: str = g.request_id
    return given


def seconds() -> float:
    """Since it came in."""
    began: float = g.began
    return round(time.monotonic() - began, 4)


def _begin() -> None:
    g.began = time.monotonic()
    given = request.headers.get(HEADER, "")
    g.request_id = given if _READABLE.fullmatch(given) else token_hex(16)


def _answer(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    return response
