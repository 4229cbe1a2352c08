"""Declare the calls that the bridge makes, and the shape of each success.

A status of 2xx alone proves nothing: a login page or another service may answer so, too.

Source: the schemas of the responses in Voucherify's published OpenAPI files. None of them is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from bridge.http import carries_error


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A call of Voucherify's API.

    Attributes:
        path: with ``{}`` for each escaped name.
        object: the value of ``object`` in a response, if it has one.
        member, kind: another member of a response, and its type.
        seconds: the longest time of a call, if it is shorter than that of others.
    """

    method: str
    path: str
    object: str | None
    member: str
    kind: type
    seconds: float = inf

    def recognises(self, body: Mapping[str, Any]) -> bool:
        """Return whether a JSON object is the response of a success."""
        is_named = self.object is not None and body.get("object") == self.object
        return not carries_error(body) and (is_named or isinstance(body.get(self.member), self.kind))

    def request(self, *names: str, content: bytes | None = None, query: Mapping[str, str] | None = None) -> "Request":
        """Make a request of this call.

        Args:
            names: for the places in the path, escaped.
            content: JSON.
        """
        return Request(self, self.path.format(*names), content, query or {})


@dataclass(frozen=True, slots=True)
class Request:
    """A request: see ``Endpoint.request``."""

    endpoint: Endpoint
    path: str
    content: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict)


LIST_CUSTOMERS = Endpoint("GET", "/v1/customers", None, "customers", list)
UPSERT = Endpoint("POST", "/v1/customers", "customer", "source_id", str)
UPSERT_MANY = Endpoint("POST", "/v1/customers/bulk/async", None, "async_action_id", str)
ASYNC_ACTION = Endpoint("GET", "/v1/async-actions/{}", None, "status", str, seconds=2.0)
ACTIVITY = Endpoint("GET", "/v1/customers/{}/activity", None, "data", list)
RECORD_EVENT = Endpoint("POST", "/v1/events", "event", "customer", dict)
METADATA_SCHEMA = Endpoint("GET", "/v1/metadata-schemas/{}", None, "properties", dict)
