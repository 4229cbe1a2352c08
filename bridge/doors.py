"""Doors for messages, one row each.

To add one:

1. ``DOORS``: a row, with a new stem; ``messages.QUEUES``: a row, if its messages need a queue of their own.
2. ``intake/<stem>.py``: verifies the sender, and stores the body. Export it in ``intake/__init__.py``.
3. ``web/doors/<stem>.py``: the routes; ``web.BLUEPRINTS``: a row.
4. ``bootstrap.py``: the intake, in the builder of its direction.
5. ``translation/meaning.py``: a row of ``TRANSLATIONS``, if it has a new queue.
6. ``web/openapi.py``: a row of the description.
7. ``tests/web/test_door_security.py``: a row of ``SENDERS`` and one of ``BODIES``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.directions import TO_SEGMENT, TO_VOUCHERIFY
from bridge.messages import CALLS, EVENT_TYPES, RAW_EVENTS, WEBHOOKS

BATCH = "batch"

VOUCHERIFY = "webhooks/voucherify"
SEGMENT = "webhooks/segment"

VOUCHERIFY_WEBHOOKS, SEGMENT_WEBHOOKS = "voucherify_webhooks", "segment_webhooks"
SEGMENT_DESTINATION, TRACKING_API = "segment_destination", "tracking_api"


@dataclass(frozen=True, slots=True)
class Door:
    """One path that accepts messages.

    Attributes:
        direction: key of the direction of its messages.
        queue: queue of its messages.
        stem: its module in ``intake`` and in ``web.doors``.
        action: the action that a destination call asks for.
        kind: type of its raw events; ``batch`` for several; "" if the events contain it.
        is_scoped: whether each credential has ``messageId``s of its own. A write key in a web page is public.
    """

    direction: str
    queue: str
    stem: str
    action: str = ""
    kind: str = ""
    is_scoped: bool = False


ACTIONS: Mapping[str, str] = {
    "segmentio/customer-processing": "upsert_customer",
    "segmentio/event-processing": "add_custom_event",
    "segmentio/group-processing": "assign_group",
}
"""Action of each path of Segment's destination."""

TRACKING: Mapping[str, str] = {f"v1/{kind}": kind for kind in (*EVENT_TYPES, BATCH)}
"""Type of event of each path of the tracking API, or ``batch``."""

DOORS: Mapping[str, Door] = {
    VOUCHERIFY: Door(TO_SEGMENT, WEBHOOKS, VOUCHERIFY_WEBHOOKS),
    **{path: Door(TO_VOUCHERIFY, CALLS, SEGMENT_DESTINATION, action=name) for path, name in ACTIONS.items()},
    **{
        path: Door(TO_VOUCHERIFY, RAW_EVENTS, TRACKING_API, kind=kind, is_scoped=True)
        for path, kind in TRACKING.items()
    },
    SEGMENT: Door(TO_VOUCHERIFY, RAW_EVENTS, SEGMENT_WEBHOOKS),
}
"""Doors by path."""


def direction_of_queue(queue: str) -> str:
    """Return the key of the direction of a queue's messages."""
    return next(door.direction for door in DOORS.values() if door.queue == queue)


def direction_of_stem(stem: str | None) -> str | None:
    """Return the key of the direction of a door's messages, or None."""
    return next((door.direction for door in DOORS.values() if door.stem == stem), None)
