"""Translate webhooks to track calls."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.messages import Arrival, Status
from bridge.to_segment import SINK, translate
from bridge.to_segment.catalogue import EVENTS, Event
from tests.webhooks import DATA, encode, redemption, webhook

NOW = datetime(2031, 4, 9, 10, 11, 12, tzinfo=UTC)

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)


def outcome(message: Any) -> Arrival:
    return translate(encode(message), NOW)


def track_call(message: Any) -> dict[str, Any]:
    """Return the message to Segment."""
    arrival = outcome(message)
    assert arrival.status is Status.ACCEPTED, arrival
    [outgoing] = arrival.outgoing
    assert outgoing.sink == SINK
    call: dict[str, Any] = json.loads(outgoing.payload)
    assert call["messageId"] == outgoing.key
    return call


def without_customer(event: Event) -> dict[str, Any]:
    """Return the event's data without any customer."""
    data = {name: value for name, value in DATA[event.type].items() if name != "customer"}
    return data | {name: {**data[name], "customer": None} for name in event.customer}


def redeemed(**changes: Any) -> dict[str, Any]:
    return webhook("redemption.succeeded", redemption(**changes))
