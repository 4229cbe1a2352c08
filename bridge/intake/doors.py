"""The doors: what a message means at each, when it comes in and whenever it is run through again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ulid import ULID

from bridge import to_segment, to_voucherify
from bridge.arrival import Arrival, Kept, Status
from bridge.delivery.database import Database
from bridge.delivery.replay import Translate, replay
from bridge.delivery.store import Message, Received
from bridge.errors import Invalid
from bridge.to_voucherify.events import completed
from bridge.to_voucherify.mappings import Mappings
from bridge.wire import write

Keep = Callable[[Callable[[], Received]], Kept]
KeepAll = Callable[[Sequence[Received]], list[Kept]]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Door:
    """Where messages come in.

    Attributes:
        direction: where they go.
        translate: what one means: (body, the id it is kept under, when it was received in epoch seconds, the mappings
            in force).
    """

    direction: str
    translate: Callable[[bytes, str, float, Mappings], Arrival]


def _webhook(body: bytes, _: str, at: float, __: Mappings) -> Arrival:
    return to_segment.translate(body, datetime.fromtimestamp(at, UTC))


def _call(action: str, body: bytes, event_id: str, _: float, __: Mappings) -> Arrival:
    return to_voucherify.translate(action, body, event_id)


def _event(body: bytes, _: str, __: float, mappings: Mappings) -> Arrival:
    return to_voucherify.translate_event(body, mappings)


WEBHOOKS = "webhooks/voucherify"
CALLS = {
    "segmentio/customer-processing": "upsert_customer",
    "segmentio/event-processing": "add_custom_event",
    "segmentio/group-processing": "assign_group",
}
"""By path: the action that Segment's destination calls there."""

BATCH = "batch"
TRACKING = {f"v1/{kind}": kind for kind in ("track", "identify", "page", "screen", "group", "alias", BATCH)}
"""By path: the type of the event that Segment's libraries post there, or ``batch``."""

EVENT_WEBHOOKS = "webhooks/segment"

DOORS: Mapping[str, Door] = {
    WEBHOOKS: Door(to_segment.DIRECTION, _webhook),
    **{path: Door(to_voucherify.DIRECTION, partial(_call, name)) for path, name in CALLS.items()},
    **{path: Door(to_voucherify.DIRECTION, _event) for path in (*TRACKING, EVENT_WEBHOOKS)},
}
"""By path."""


def received(door: str, body: bytes, at: float) -> Received:
    """A message that came in by ``door`` whole, and what it means.

    Raises:
        Invalid: it is a call that its action cannot use.
    """
    return _received(door, str(ULID.from_timestamp(at)), body, at, ())


def received_events(door: str, items: Sequence[Any], at: float, mappings: Mappings) -> list[Received]:
    """The events that came in by ``door`` in one request, each a message of its own, and what it means."""
    # Sorted, since those of one millisecond are in no order.
    ids = sorted(str(ULID.from_timestamp(at)) for _ in items)
    return [
        _received(door, event_id, write(completed(item, event_id, at)), at, mappings)
        for event_id, item in zip(ids, items, strict=True)
    ]


def received_event(door: str, item: Any, at: float, mappings: Mappings) -> Received:
    """The only event that came in by ``door`` in a request.

    Raises:
        Invalid: nobody can tell whose it is. (Among several it is recorded: the others are not refused with it.)
    """
    [one] = received_events(door, [item], at, mappings)
    if to_voucherify.is_anonymous(one.arrival):
        raise Invalid({"userId": f"Missing: {one.arrival.reason}."})
    return one


def run_again(database: Database, event_id: str, now: float, mappings: Mappings) -> str:
    """Replay an event that is kept: see ``bridge.delivery.replay``.

    Args:
        mappings: those in force, for a raw event.

    Raises:
        NoSuchEvent: there is none of that id.
        StoreUnavailable: nothing was changed.
    """
    with database.writing() as connection:
        return replay(connection, event_id, partial(_translate_again, mappings), now)


def again(mappings: Callable[[], Mappings]) -> Translate:
    """What a message that is kept means by today's code, and by the ``mappings`` that are in force at that moment."""
    return lambda door, body, event_id, at: _translate_again(mappings(), door, body, event_id, at)


def _received(door: str, event_id: str, body: bytes, at: float, mappings: Mappings) -> Received:
    message = Message(event_id, door, DOORS[door].direction, body, at)
    return Received.pack(message, _translate(door, body, event_id, at, mappings))


def _translate(door: str, body: bytes, event_id: str, at: float, mappings: Mappings) -> Arrival:
    return DOORS[door].translate(body, event_id, at, mappings)


def _translate_again(mappings: Mappings, door: str, body: bytes, event_id: str, at: float) -> Arrival:
    try:
        return _translate(door, body, event_id, at, mappings)
    except Invalid as error:  # it was right when it came in: there is nobody left to tell
        return Arrival(Status.QUARANTINED, reason=str(error))
