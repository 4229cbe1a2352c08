"""Build calls as Segment's destination makes them, with invented data."""

import json
from typing import Any

from bridge.messages import Arrival
from bridge.to_voucherify import translate

IDENTIFY = {
    "source_id": "anna-1",
    "name": "Anna Ek",
    "description": "came by train",
    "email": "anna@example.com",
    "phone": "+46 40 123456",
    "birthdate": "1990-05-01",
    "address": {
        "city": "Malmö",
        "state": "Skåne",
        "postal_code": "211 20",
        "street": "Storgatan 1",
        "country": "Sweden",
    },
    "metadata": {"tier": "gold", "visits": "7"},
    "type": "identify",
}

TRACK = {
    "customer": {"source_id": "anna-1", "email": "anna@example.com"},
    "referral": {"code": "REF-1", "referrer_id": "ben-2"},
    "loyalty": {"code": "CARD-7"},
    "metadata": {"total": "49.5"},
    "event": "Order Completed",
    "type": "track",
}

GROUP = {
    "customer": {"source_id": "anna-1", "email": "anna@example.com"},
    "group_id": "g-9",
    "traits": {"plan": "pro", "seats": 12},
    "type": "group",
}

CALLS: dict[str, dict[str, Any]] = {"upsert_customer": IDENTIFY, "add_custom_event": TRACK, "assign_group": GROUP}

UNIQUE = "01HZ-new"


def take(action: str, call: Any) -> Arrival:
    return translate(action, json.dumps(call, ensure_ascii=False).encode(), UNIQUE)


def payload(action: str, call: Any) -> dict[str, Any]:
    (outgoing,) = take(action, call).outgoing
    value: dict[str, Any] = json.loads(outgoing.payload)
    return value


def request(action: str, **call: Any) -> dict[str, Any]:
    """Build the request's body for a call with the required fields and the given ones."""
    required = {"source_id": "anna-1"} if action == "upsert_customer" else {"customer": {"source_id": "anna-1"}}
    group = {"group_id": "g-9"} if action == "assign_group" else {}
    made: dict[str, Any] = payload(action, {**required, **group, "type": "identify", **call})["body"]
    return made
