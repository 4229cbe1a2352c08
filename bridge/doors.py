"""The doors: where messages come in, a row each."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.messages import CALLS, RAW_EVENTS, WEBHOOKS

TO_SEGMENT, TO_VOUCHERIFY = "to_segment", "to_voucherify"

BATCH = "batch"

VOUCHERIFY = "webhooks/voucherify"
SEGMENT = "webhooks/segment"


@dataclass(frozen=True, slots=True)
class Door:
    """One path that messages are posted to.

    Attributes:
        direction: where they go.
        queue: which translator takes them.
        action: the action that a destination call asks for.
        kind: the type of the raw events that are posted there; ``batch`` if many; "" if the events say so themselves.
    """

    direction: str
    queue: str
    action: str = ""
    kind: str = ""


ACTIONS: Mapping[str, str] = {
    "segmentio/customer-processing": "upsert_customer",
    "segmentio/event-processing": "add_custom_event",
    "segmentio/group-processing": "assign_group",
}
"""By path: the action that Segment's destination calls there."""

TRACKING: Mapping[str, str] = {
    f"v1/{kind}": kind for kind in ("track", "identify", "page", "screen", "group", "alias", BATCH)
}
"""By path: the type of the event that Segment's libraries post there, or ``batch``."""

DOORS: Mapping[str, Door] = {
    VOUCHERIFY: Door(TO_SEGMENT, WEBHOOKS),
    **{path: Door(TO_VOUCHERIFY, CALLS, action=name) for path, name in ACTIONS.items()},
    **{path: Door(TO_VOUCHERIFY, RAW_EVENTS, kind=kind) for path, kind in TRACKING.items()},
    SEGMENT: Door(TO_VOUCHERIFY, RAW_EVENTS),
}
"""By path."""
