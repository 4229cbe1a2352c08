"""Serve a stand-in on a local port."""

import threading
from functools import partial
from typing import Any, Self

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class Served:
    """A WSGI application on a local port, for the length of a ``with`` block."""

    def __init__(self, app: Flask, port: int = 0) -> None:
        self._server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
        serve = partial(self._server.serve_forever, poll_interval=0.05)  # stopping takes so long
        self._thread = threading.Thread(target=serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin a response without a ``Date``.

        A stand-in with a clock of its own sends its own date.
        """
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - as werkzeug names it
        """Log nothing: the demo prints what arrives, not every request."""
