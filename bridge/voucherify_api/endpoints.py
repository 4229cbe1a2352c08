"""The calls that the bridge makes, and by what Voucherify's answer to each is recognised.

A status of 2xx alone proves nothing: a login page or another service answers so, too.

Source: the schemas of the answers in Voucherify's published OpenAPI files. None of them is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.http import carries_error


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A call of Voucherify's API.

    Attributes:
        path: with ``{}`` where an escaped name belongs.
        object: what an answer calls itself, if it does.
        member, kind: what an answer has otherwise, and of which type.
    """

    method: str
    path: str
    object: str | None
    member: str
    kind: type

    def recognises(self, said: Mapping[str, Any]) -> bool:
        """Whether a JSON object is the answer of a success."""
        is_named = self.object is not None and said.get("object") == self.object
        return not carries_error(said) and (is_named or isinstance(said.get(self.member), self.kind))

    def request(self, *names: str, content: bytes | None = None, query: Mapping[str, str] | None = None) -> "Request":
        """Ask this of Voucherify.

        Args:
            names: for the places in the path, escaped.
            content: JSON.
        """
        return Request(self, self.path.format(*names), content, query or {})


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: see ``Endpoint.request``."""

    endpoint: Endpoint
    path: str
    content: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict)


LIST_CUSTOMERS = Endpoint("GET", "/v1/customers", None, "customers", list)
UPSERT = Endpoint("POST", "/v1/customers", "customer", "source_id", str)
UPSERT_MANY = Endpoint("POST", "/v1/customers/bulk/async", None, "async_action_id", str)
ASYNC_ACTION = Endpoint("GET", "/v1/async-actions/{}", None, "status", str)
ACTIVITY = Endpoint("GET", "/v1/customers/{}/activity", None, "data", list)
RECORD_EVENT = Endpoint("POST", "/v1/events", "event", "customer", dict)
METADATA_SCHEMA = Endpoint("GET", "/v1/metadata-schemas/{}", None, "properties", dict)
