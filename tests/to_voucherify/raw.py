"""Build raw events, as libraries send them, and mappings for them."""

import json
from typing import Any

from bridge.json_text import read
from bridge.messages import Arrival
from bridge.to_voucherify import translate_event
from bridge.to_voucherify.raw_events.mappings import Mappings, load
from bridge.to_voucherify.raw_events.presets import ADD_CUSTOM_EVENT, PRESETS


def event(kind: str = "track", **fields: Any) -> dict[str, Any]:
    """Build an event of anna-1 with a message id. A field that is None is left out."""
    made = {"type": kind, "userId": "anna-1", "messageId": "m-1", **({"event": "Paid"} if kind == "track" else {})}
    return {name: value for name, value in {**made, **fields}.items() if value is not None}


def row(name: str = "Orders", **fields: Any) -> dict[str, Any]:
    """Build a mapping that matches every track call."""
    made = {"name": name, "subscribe": 'type = "track"', "partnerAction": "addCustomEvent", "mapping": ADD_CUSTOM_EVENT}
    return {**made, **fields}


def take(value: Any, mappings: Mappings = PRESETS) -> Arrival:
    return translate_event(read(json.dumps(value).encode()), mappings)


def sent(arrival: Arrival) -> list[dict[str, Any]]:
    """Return the bodies of the requests."""
    return [json.loads(one.payload)["body"] for one in arrival.outgoing]


def mapped(value: Any, *rows: dict[str, Any]) -> Arrival:
    return take(value, load(rows))
