"""Forgiving paths: doubled slashes, a slash at the end, a doubled prefix.

Senders follow no redirect, or follow it as a GET without a body. So each of these is answered as the right path.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

_SLASHES = re.compile("//+")
_TWICE = re.compile("^(?:/segmentio)+/")


def register(app: Flask) -> None:
    """Answer a path with a slash at its end as without.

    Called before ``app`` has any route.
    """
    app.url_map.strict_slashes = False
    app.wsgi_app = ForgivingPaths(app.wsgi_app)  # type: ignore[method-assign] # as Flask documents it


class ForgivingPaths:
    """A WSGI layer that corrects paths.

    Segment calls a Custom Voucherify URL that ends in a slash at ``//segmentio/…``, and one that ends in ``/segmentio``
    at ``/segmentio/segmentio/…``.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Correct the path, and call the application."""
        environ["PATH_INFO"] = _TWICE.sub("/segmentio/", _SLASHES.sub("/", environ.get("PATH_INFO", "")))
        return self._app(environ, start_response)
