"""Make the sample calls of Segment's destination, and post a sample raw event.

The calls are those of the five presets. The raw event is posted as by one of Segment's libraries.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import requests

CUSTOMER = {"source_id": "ada-1815", "email": "ada@example.com"}

CALLS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "identify": (
        "customer-processing",
        {
            "source_id": "ada-1815",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": "ada@example.com",
            "birthdate": "1815-12-10T00:00:00.000Z",
            "address": {"city": "London", "street": "12 St James's Square", "country": "United Kingdom"},
            "metadata": {"newsletter": "true"},
            "type": "identify",
        },
    ),
    "track": (
        "event-processing",
        {
            "customer": CUSTOMER,
            "event": "Book Ordered",
            "referral": {},
            "loyalty": {"code": "CLUB-1815"},
            "metadata": {"total": "4860"},
            "type": "track",
        },
    ),
    "page": (
        "event-processing",
        {"customer": CUSTOMER, "event": "Viewed Bestsellers Page", "referral": {}, "loyalty": {}, "type": "page"},
    ),
    "screen": (
        "event-processing",
        {"customer": CUSTOMER, "event": "Viewed Basket Screen", "referral": {}, "loyalty": {}, "type": "screen"},
    ),
    "group": (
        "group-processing",
        {"customer": CUSTOMER, "group_id": "book-club", "traits": {"plan": "gold", "seats": "12"}, "type": "group"},
    ),
}
"""By kind: the path below ``/segmentio``, and the body."""

EVENT: Mapping[str, Any] = {
    "userId": "ada-1815",
    "event": "Book Reviewed",
    "properties": {"email": "ada@example.com", "metadata": {"stars": 5}},
}
"""A raw event, as ``analytics.track`` posts it."""


def credentials(app_id: str, secret_key: str) -> dict[str, str]:
    """Return the headers of every call.

    They are the keys in base64, without a colon or a password.
    """
    return {"Authorization": f"Basic {_base64(app_id)}", "Secret-Key": _base64(secret_key)}


def call(url: str, kind: str, headers: Mapping[str, str]) -> requests.Response:
    """Make a call on a connection of its own, as the destination does."""
    path, body = CALLS[kind]
    address = f"{url}/segmentio/{path}"
    return requests.post(address, json=body, headers={**headers, "Connection": "close"}, timeout=10)


def track(url: str, write_key: str) -> requests.Response:
    """Post the raw event."""
    return requests.post(f"{url}/v1/track", json=EVENT, auth=(write_key, ""), timeout=10)


def _base64(key: str) -> str:
    return b64encode(key.encode()).decode()
