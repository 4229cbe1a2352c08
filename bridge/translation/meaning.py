"""What a message means: its events, by the door that it was posted to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bridge import to_segment, to_voucherify
from bridge.doors import BATCH, DOORS, SEGMENT, Door
from bridge.errors import Invalid, Unusable
from bridge.json_text import read, write
from bridge.logs import places, unexpected
from bridge.messages import CALLS, ID_LENGTH, RAW_EVENTS, WEBHOOKS, Arrival, Message, Status
from bridge.to_voucherify.raw_events.events import EVENT_BYTES, TOO_LARGE, clean, completed, item, size
from bridge.to_voucherify.raw_events.mappings import Mappings


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a message, translated.

    Attributes:
        fault: the place in the code that raised, if the translation failed unexpectedly.
        is_last: whether no other event of its message follows.
    """

    id: str
    arrival: Arrival
    fault: str = ""
    is_last: bool = True


def _webhook(_: Door, body: bytes, __: str, at: float, ___: Mappings) -> Arrival:
    return to_segment.translate(body, datetime.fromtimestamp(at, UTC))


def _call(door: Door, body: bytes, event_id: str, _: float, __: Mappings) -> Arrival:
    return to_voucherify.translate(door.action, body, event_id)


def _raw_event(_: Door, value: Any, event_id: str, at: float, mappings: Mappings) -> Arrival:
    return to_voucherify.translate_item(completed(value, event_id, at), mappings)


_TRANSLATIONS: Mapping[str, Callable[[Door, Any, str, float, Mappings], Arrival]] = {
    WEBHOOKS: _webhook,
    CALLS: _call,
    RAW_EVENTS: _raw_event,
}
"""By queue: the meaning of one event, of its bytes or, if it is a raw event, its value."""


def events(message: Message, mappings: Mappings, skip: int = 0) -> Iterator[Event]:
    """Translate the events of ``message``, one after another, but for the first ``skip``. Never raises."""
    door = DOORS[message.door]
    try:
        value = read(message.body) if _holds_events(door) else message.body
        several = _several(value, door)
    except Unusable as error:  # an older bridge took it in
        value, several = error, None
    if several is None:
        if not skip:
            yield _whole(message, value, door, mappings)
        return
    for position in range(skip, several):
        event_id = f"{message.id}{position:04d}"
        one = item(value, position)
        is_large = len(message.body) > EVENT_BYTES and size(one) > EVENT_BYTES
        event = (
            _quarantined(event_id, TOO_LARGE) if is_large else _translated(door, one, event_id, message.at, mappings)
        )
        yield event if position + 1 == several else replace(event, is_last=False)


def _whole(message: Message, value: Any, door: Door, mappings: Mappings) -> Event:
    if isinstance(value, Unusable):
        return _quarantined(message.id, str(value))
    return _translated(door, _single(value, door) if _holds_events(door) else value, message.id, message.at, mappings)


def again(message: Message, event_id: str, mappings: Mappings) -> Event:
    """Translate one stored event of ``message`` again. Never raises."""
    door = DOORS[message.door]
    try:
        value = _own(door, message.body, event_id) if _holds_events(door) else message.body
    except Unusable as error:
        return _quarantined(event_id, str(error))
    return _translated(door, value, event_id, message.at, mappings)


def own_bytes(path: str, body: bytes, event_id: str) -> bytes:
    """Return what people see of an event: no write key, and no other event of its batch.

    Args:
        path: the door that ``body`` was posted to.
    """
    door = DOORS.get(path)
    if door is None or not _holds_events(door):
        return body
    try:
        return write(_shown(_own(door, body, event_id), door))
    except (Unusable, LookupError, TypeError, ValueError):
        return body


def holds_none(path: str, body: bytes) -> bool:
    """Whether a message is a list without events.

    Args:
        path: the door that ``body`` was posted to.
    """
    door = DOORS.get(path)
    try:
        return door is not None and _holds_events(door) and _several(read(body), door) == 0
    except Unusable:
        return False


def _shown(value: Any, door: Door) -> Any:
    """A list of events that is shown whole, since it is not translated, without the write keys in it."""
    if _several(value, door) is None:
        return value
    if isinstance(value, list):
        return [clean(one) for one in value]
    return {**value, "batch": [clean(one) for one in value["batch"]]}


def _own(door: Door, body: bytes, event_id: str) -> Any:
    """A raw event's own value: the whole body, or its place in a batch."""
    value = read(body)
    if len(event_id) > ID_LENGTH:
        return item(value, int(event_id[ID_LENGTH:]))
    return _single(value, door)


def quarantined(message: Message, position: int, reason: str) -> Event:
    """The event at ``position`` of a message, untranslated and unread."""
    is_array = message.door == SEGMENT and message.body.lstrip()[:1] == b"["
    holds_several = is_array or DOORS[message.door].kind == BATCH
    return _quarantined(f"{message.id}{position:04d}" if holds_several else message.id, reason)


def _holds_events(door: Door) -> bool:
    return door.queue == RAW_EVENTS


def _several(value: Any, door: Door) -> int | None:
    """How many events a batch or an array has; None if it is a single event."""
    if not _holds_events(door):
        return None
    if isinstance(value, list):
        return len(value)
    is_batch = door.kind == BATCH and isinstance(value, dict) and isinstance(value.get("batch"), list)
    return len(value["batch"]) if is_batch else None


def _single(value: Any, door: Door) -> Any:
    """A raw event as it was meant at its door. One that an older bridge stored alone stands there without its batch."""
    is_untyped = door.kind not in ("", BATCH) and isinstance(value, dict)
    return clean({**value, "type": door.kind} if is_untyped else value)


def _translated(door: Door, value: Any, event_id: str, at: float, mappings: Mappings) -> Event:
    try:
        return Event(event_id, _TRANSLATIONS[door.queue](door, value, event_id, at, mappings))
    except Invalid as error:  # an older bridge took it in
        return _quarantined(event_id, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's, and no other's
        unexpected("translator", error, event_id=event_id)
        fault = places(error)[-1]
        arrival = Arrival(Status.QUARANTINED, reason=f"unexpected error: {type(error).__name__} at {fault}")
        return Event(event_id, arrival, fault)


def _quarantined(event_id: str, reason: str) -> Event:
    return Event(event_id, Arrival(Status.QUARANTINED, reason=reason))
