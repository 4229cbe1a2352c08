"""Meaning of a message: its events, by the door that accepted it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bridge import to_segment, to_voucherify
from bridge.doors import BATCH, DOORS, SEGMENT, Door
from bridge.errors import Invalid, Unusable
from bridge.json_text import write
from bridge.logs import places, unexpected
from bridge.messages import CALLS, EVENT_TYPES, ID_LENGTH, RAW_EVENTS, WEBHOOKS, Arrival, Message, Status
from bridge.to_voucherify.raw_events.events import clean, completed
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.to_voucherify.raw_events.posted import Posted, posted, read_events


@dataclass(frozen=True, slots=True)
class Event:
    """One translated event of a message.

    Attributes:
        fault: place in the code that raised, if the translation failed unexpectedly.
        is_last: whether no other event of its message follows.
    """

    id: str
    arrival: Arrival
    fault: str = ""
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """Input of one event's translation.

    Attributes:
        value: the bytes of the body, or the value of a raw event.
        at: when its message was received, in epoch seconds.
        types: types of raw events that the sender may send.
    """

    door: Door
    event_id: str
    value: Any
    at: float
    mappings: Mappings
    types: Collection[str]


def _webhook(source: Source) -> Arrival:
    return to_segment.translate(source.value, datetime.fromtimestamp(source.at, UTC))


def _call(source: Source) -> Arrival:
    return to_voucherify.translate(source.door.action, source.value, source.event_id)


def _raw_event(source: Source) -> Arrival:
    return to_voucherify.translate_event(completed(source.value, source.event_id, source.at), source.mappings)


TRANSLATIONS: Mapping[str, Callable[[Source], Arrival]] = {
    WEBHOOKS: _webhook,
    CALLS: _call,
    RAW_EVENTS: _raw_event,
}
"""Translation of one event, by queue."""


def events(
    message: Message, mappings: Mappings, skip: int = 0, types: Collection[str] = EVENT_TYPES
) -> Iterator[Event]:
    """Translate the events of ``message`` one by one, after the first ``skip``.

    Never raises.

    Args:
        types: types of raw events that the sender may send.
    """
    door = DOORS[message.door]
    try:
        raw = _posted(door, message.body)
    except Unusable as error:  # an older bridge accepted it
        yield _quarantined(message.id, str(error))
        return
    if raw is not None and raw.is_several:
        for place in range(skip, len(raw.items)):
            event_id = f"{message.id}{place:04d}"
            event = _one(Source(door, event_id, message.body, message.at, mappings, types), raw)
            yield event if place + 1 == len(raw.items) else replace(event, is_last=False)
    elif not skip:
        yield _one(Source(door, message.id, message.body, message.at, mappings, types), raw)


def again(message: Message, event_id: str, mappings: Mappings, types: Collection[str] = EVENT_TYPES) -> Event:
    """Translate one stored event of ``message`` again; never raises."""
    door = DOORS[message.door]
    try:
        raw = _posted(door, message.body)
    except Unusable as error:
        return _quarantined(event_id, str(error))
    return _one(Source(door, event_id, message.body, message.at, mappings, types), raw)


def _one(source: Source, raw: Posted | None) -> Event:
    """Translate one event; whatever it raises is this event's, and no other's."""
    event_id = source.event_id
    try:
        return Event(event_id, _arrival(source, raw))
    except Invalid as error:  # an older bridge accepted it
        return _quarantined(event_id, str(error))
    except Exception as error:  # noqa: BLE001 - see above
        unexpected("translator", error, event_id=event_id)
        fault = places(error)[-1]
        arrival = Arrival(Status.QUARANTINED, reason=f"unexpected error: {type(error).__name__} at {fault}")
        return Event(event_id, arrival, fault)


def _arrival(source: Source, raw: Posted | None) -> Arrival:
    """Translate the message itself, or its place among raw events."""
    translate = TRANSLATIONS[source.door.queue]
    if raw is None:
        return translate(source)
    place = _place(source.event_id)
    value = raw.event(place)
    if reason := raw.fault(place) or _forbidden(value, source.types):
        return Arrival(Status.QUARANTINED, reason=reason)
    arrival, content = translate(replace(source, value=value)), raw.content(place)
    identity = arrival.identity and replace(arrival.identity, digest=content)
    return replace(arrival, identity=identity, content=content)


def _forbidden(event: Any, types: Collection[str]) -> str:
    """Say why a sender may not send an event of this type; "" if it may, or if the type is none."""
    kind = event.get("type") if isinstance(event, dict) else None
    return f"its write key may not send {kind}" if kind in EVENT_TYPES and kind not in types else ""


def own_bytes(path: str, body: bytes, event_id: str) -> bytes:
    """Return the bytes of an event for people.

    They contain no write key, and no other event of the batch.

    Args:
        path: the door that accepted ``body``.
    """
    door = DOORS.get(path)
    try:
        raw = _posted(door, body) if door else None
        return body if raw is None else write(_shown(raw, event_id))
    except (Unusable, LookupError, ValueError):
        return body


def holds_none(path: str, body: bytes) -> bool:
    """Return whether a message is a list without events.

    Args:
        path: the door that accepted ``body``.
    """
    door = DOORS.get(path)
    try:
        raw = _posted(door, body) if door else None
    except Unusable:
        return False
    return raw is not None and raw.is_several and not raw.items


def _shown(raw: Posted, event_id: str) -> Any:
    """Return an event, or all of a message that is not translated yet."""
    if len(event_id) > ID_LENGTH or not raw.is_several:
        return raw.event(_place(event_id))
    items = [clean(one) for one in raw.items]
    return {**raw.shared, "batch": items} if raw.kind == BATCH else items


def _posted(door: Door, body: bytes) -> Posted | None:
    """Return the raw events of a message.

    None if its queue's messages are translated from their bytes.

    Raises:
        Unusable: the body cannot be read.
    """
    if door.queue != RAW_EVENTS:
        return None
    value, is_finite = read_events(body)
    return posted(value, door.kind, len(body), is_finite=is_finite)


def _place(event_id: str) -> int:
    """Return the place of an event in its message."""
    return int(event_id[ID_LENGTH:] or "0")


def quarantined(message: Message, position: int, reason: str) -> Event:
    """Return the event at ``position`` of a message, untranslated and unread."""
    is_array = message.door == SEGMENT and message.body.lstrip()[:1] == b"["
    holds_several = is_array or DOORS[message.door].kind == BATCH
    return _quarantined(f"{message.id}{position:04d}" if holds_several else message.id, reason)


def _quarantined(event_id: str, reason: str) -> Event:
    return Event(event_id, Arrival(Status.QUARANTINED, reason=reason))
