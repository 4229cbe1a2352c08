"""Decision on each event: new, a repeat, or a contradiction.

The keys in ``seen`` decide.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from bridge.delivery import lanes
from bridge.delivery.database import tables
from bridge.delivery.database.packing import pack
from bridge.delivery.database.rows import portions
from bridge.doors import DOORS
from bridge.messages import Arrival, EventOutcome, Message, Outgoing, Status
from bridge.translation.meaning import Event

KEY_BYTES = 16

REASON_LENGTH = 500
"""Characters of a stored reason: PostgreSQL's indexes hold 2,704 bytes a row."""

CONTRADICTION = "the same id came before with other data"

_SIGHTED = select(tables.seen).where(tables.seen.c.key.in_(bindparam("wanted", expanding=True)))


class Sighting(NamedTuple):
    """A key in ``seen``, with its digest and its event."""

    digest: bytes
    event_id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A key that an event leaves in ``seen``.

    Attributes:
        keys: the first is written. With any of them in ``seen``, the event is a repeat.
        digests: of the content. The first is written. A key with none of them, and not b"", contradicts.
    """

    keys: tuple[bytes, ...]
    digests: tuple[bytes, ...]

    def sighting(self, known: Mapping[bytes, Sighting]) -> Sighting | None:
        """Return the key that was seen, if one was."""
        return next((known[key] for key in self.keys if key in known), None)

    def contradiction(self, known: Mapping[bytes, Sighting]) -> Sighting | None:
        """Return the key that was seen with other content, if one was."""
        sighting = self.sighting(known)
        return sighting if sighting and sighting.digest and sighting.digest not in self.digests else None

    def row(self, event_id: str, at: float) -> dict[str, Any]:
        """Return the row that makes the next event with this mark a repeat."""
        return {"key": self.keys[0], "digest": self.digests[0], "event_id": event_id, "at": at}


class NewDelivery(NamedTuple):
    """A new delivery: its mark, its row, and its payload."""

    mark: Mark
    row: Mapping[str, Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unit:
    """One translated event of a new message.

    Attributes:
        mark: of its identity, if it has one.
        made: its deliveries, packed before the transaction begins.
    """

    message: Message
    event: Event
    mark: Mark | None
    made: tuple[NewDelivery, ...]

    @classmethod
    def of(cls, message: Message, event: Event) -> "Unit":
        """Pack a translated event."""
        made = deliveries(event.id, event.arrival, message.at, scope(message))
        return cls(message, event, identity_mark(event.arrival, scope(message)), made)

    @property
    def marks(self) -> list[Mark]:
        """Marks that must not be in ``seen`` if the event is new."""
        return [*([self.mark] if self.mark else []), *(one.mark for one in self.made)]


@dataclass(slots=True)
class Decisions:
    """Rows that one transaction writes, decided event by event.

    Attributes:
        sightings: the keys in ``seen``, and those of this transaction.
        repeated: by the id of a message, the marked message that it repeats.
    """

    sightings: dict[bytes, Sighting]
    repeated: Mapping[str, str] = field(default_factory=dict)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    deliveries: list[NewDelivery] = field(default_factory=list)
    seen: list[Mapping[str, Any]] = field(default_factory=list)
    repeats: list[Mapping[str, Any]] = field(default_factory=list)

    def decide(self, unit: Unit) -> EventOutcome:
        """Decide on ``unit``, and add its rows."""
        arrival = unit.event.arrival
        if first := self.repeated.get(unit.message.id):
            return self._repeat(unit, first + unit.event.id[len(unit.message.id) :])
        if other := contradiction(unit.marks, self.sightings):
            return self._keep(unit, Status.QUARANTINED, f"{CONTRADICTION}, as {other.event_id}")
        known = unit.mark.sighting(self.sightings) if unit.mark else None
        sighted = [sighting for one in unit.made if (sighting := one.mark.sighting(self.sightings))]
        if known or (sighted and len(sighted) == len(unit.made)):
            first = (known or sighted[0]).event_id
            if unit.mark and not known:
                self._see(unit.mark, first, unit.message.at)
            return self._repeat(unit, first)
        for one in unit.made:
            if not one.mark.sighting(self.sightings):
                self.deliveries.append(one)
                self._see(one.mark, unit.event.id, unit.message.at)
        if unit.mark:
            self._see(unit.mark, unit.event.id, unit.message.at)
        return self._keep(unit, arrival.status, arrival.reason)

    def _keep(self, unit: Unit, status: Status, whole_reason: str) -> EventOutcome:
        reason = whole_reason[:REASON_LENGTH]
        message, arrival = unit.message, unit.event.arrival
        self.events.append(
            {
                "id": unit.event.id,
                "door": message.door,
                "direction": message.direction,
                "status": status,
                "event": arrival.event,
                "reason": reason,
                "customer": arrival.customer,
                "received_at": message.at,
            }
        )
        return EventOutcome(unit.event.id, status, arrival.event, reason)

    def _repeat(self, unit: Unit, first: str) -> EventOutcome:
        self.repeats.append({"id": unit.event.id, "event_id": first})
        return EventOutcome(first, Status.DUPLICATE, unit.event.arrival.event, "")

    def _see(self, mark: Mark, event_id: str, at: float) -> None:
        row = mark.row(event_id, at)
        self.seen.append(row)
        self.sightings[row["key"]] = Sighting(row["digest"], event_id)


def sightings(connection: Connection, marks: Iterable[Mark]) -> dict[bytes, Sighting]:
    """Return which of the marks' keys are in ``seen``."""
    known: dict[bytes, Sighting] = {}
    for some in portions([key for mark in marks for key in mark.keys]):
        seen = connection.execute(_SIGHTED, {"wanted": some})
        known |= {bytes(row.key): Sighting(bytes(row.digest), row.event_id) for row in seen}
    return known


def contradiction(marks: Iterable[Mark], known: Mapping[bytes, Sighting]) -> Sighting | None:
    """Return the first key that was seen with other content, if one was."""
    return next((sighting for mark in marks if (sighting := mark.contradiction(known))), None)


def scope(message: Message) -> bytes:
    """Return whose ids a message's events have: b"" if all senders of its door share them."""
    return message.credential if DOORS[message.door].is_scoped else b""


def identity_mark(arrival: Arrival, scope: bytes) -> Mark | None:
    """Return the mark of an event's identity, if it has one."""
    identity = arrival.identity
    if identity is None:
        return None
    call = identity.call[:KEY_BYTES]
    # Older versions stored the identity itself as the digest of an event without deliveries.
    return Mark(_keys(call, scope), (identity.digest[:KEY_BYTES], call))


def deliveries(event_id: str, arrival: Arrival, at: float, scope: bytes) -> tuple[NewDelivery, ...]:
    """Return the deliveries of an event, due at once."""
    digests = (arrival.content[:KEY_BYTES],)
    return tuple(
        NewDelivery(
            Mark(_keys(outgoing_key(one), scope), digests),
            delivery_row(event_id, one, arrival.event, at),
            one.payload,
        )
        for one in arrival.outgoing
    )


def _keys(shared: bytes, scope: bytes) -> tuple[bytes, ...]:
    """Return a key in its scope, and the one that older versions wrote for all senders."""
    return (hashlib.sha256(scope + shared).digest()[:KEY_BYTES], shared) if scope else (shared,)


def outgoing_key(outgoing: Outgoing) -> bytes:
    """Return the key of a delivery that all senders of its door share."""
    return hashlib.sha256(f"{outgoing.sink} {outgoing.key}".encode()).digest()[:KEY_BYTES]


def delivery_row(event_id: str, outgoing: Outgoing, event: str, at: float) -> dict[str, Any]:
    """Return the row of a delivery that is due at once.

    Its status follows from its place in its lane.
    """
    return {
        "event_id": event_id,
        "sink": outgoing.sink,
        "event": event,
        "key": outgoing.key,
        "lane": None if outgoing.lane is None else lanes.name(outgoing.lane),
        "mergeable": outgoing.mergeable,
        "due_at": at,
        "created_at": at,
        "size": len(outgoing.payload),
        "payload": pack(outgoing.payload),
    }
