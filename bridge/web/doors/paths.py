"""Addresses as people type them: with a slash too many, or with a part of the path twice.

Senders follow no redirect, or follow it as a GET without a body, so each of these is answered as it was meant.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

_SLASHES = re.compile("//+")
_TWICE = re.compile("^(?:/segmentio)+/")


def register(app: Flask) -> None:
    """Answer a path with a slash at its end as without. Called before ``app`` has any route."""
    app.url_map.strict_slashes = False
    app.wsgi_app = ForgivingPaths(app.wsgi_app)  # type: ignore[method-assign] # as Flask documents it


class ForgivingPaths:
    """A WSGI layer that reads an address as it was meant.

    A Custom Voucherify URL that ends in a slash is called at ``//segmentio/…``, one that ends in ``/segmentio`` at
    ``/segmentio/segmentio/…``.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer as the application does, once the path is corrected."""
        environ["PATH_INFO"] = _TWICE.sub("/segmentio/", _SLASHES.sub("/", environ.get("PATH_INFO", "")))
        return self._app(environ, start_response)
