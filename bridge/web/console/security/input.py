"""Clean the input of every request, before any page sees it.

No database can store NUL or lone surrogates, and no header can carry them. Here they become U+FFFD in addresses,
queries, forms and JSON. So a page needs no check of its own.
"""

from typing import Any

from flask import Flask, Request, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.datastructures import ImmutableMultiDict, iter_multi_items
from werkzeug.exceptions import BadHost, BadRequest, SecurityError
from werkzeug.routing import UnicodeConverter

from bridge import json_text
from bridge.errors import BeyondFloat, Unusable
from bridge.json_text import storable

WRONG_HOST = "The Host header names no host that the console answers to. See BRIDGE_TRUSTED_HOSTS."


class Fields(ImmutableMultiDict[str, str]):
    """Fields of a query or a form, which a database can store."""

    def __init__(self, mapping: Any = None) -> None:
        super().__init__([(storable(name), storable(value)) for name, value in iter_multi_items(mapping or ())])


class CleanRequest(Request):
    """A request whose query and form can be stored."""

    parameter_storage_class = Fields


class Segment(UnicodeConverter):
    """A part of an address, which a database can store."""

    def to_python(self, value: str) -> Any:
        """Return the text that a page receives."""
        return storable(value)


class Json(DefaultJSONProvider):
    """JSON of requests: of limited depth, and storable."""

    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Read JSON.

        Raises:
            ValueError: it is no JSON that the bridge reads. Flask answers 400.
        """
        try:
            return json_text.read(s if isinstance(s, bytes) else s.encode())
        except (Unusable, BeyondFloat) as error:
            raise ValueError(str(error)) from error


def clean(app: Flask, trusted_hosts: tuple[str, ...]) -> None:
    """Clean the input of ``app``, and refuse other hosts than these; () is any host."""
    app.request_class = CleanRequest
    app.json = Json(app)
    app.url_map.converters["default"] = Segment
    app.config["TRUSTED_HOSTS"] = list(trusted_hosts) or None
    app.before_request(_demand_host)


def has_wrong_host() -> bool:
    """Return whether the current request's host is refused.

    Such a request has no addresses, so no page can be made for it.
    """
    return isinstance(request.routing_exception, BadHost | SecurityError)


def _demand_host() -> None:
    if has_wrong_host():
        raise BadRequest(WRONG_HOST)
