"""Decision on each event: new, a repeat, or a contradiction.

The keys in ``seen`` decide.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from bridge.delivery import lanes
from bridge.delivery.database import tables
from bridge.delivery.database.packing import pack
from bridge.delivery.database.rows import portions
from bridge.messages import Arrival, Kept, Message, Outgoing, Status
from bridge.translation.meaning import Event

KEY_BYTES = 16

REASON_LENGTH = 500
"""Characters of a stored reason: PostgreSQL's indexes hold 2,704 bytes a row."""

CONTRADICTION = "the same event.id came before with other data"

_SIGHTED = select(tables.seen).where(tables.seen.c.key.in_(bindparam("wanted", expanding=True)))


class Sighting(NamedTuple):
    """A key in ``seen``, with its digest and its event."""

    digest: bytes
    event_id: str


class Made(NamedTuple):
    """A new delivery: its key in ``seen``, its row, and its payload."""

    key: bytes
    row: Mapping[str, Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unit:
    """One translated event of a new message.

    Attributes:
        made: its deliveries, packed before the transaction begins.
    """

    message: Message
    event: Event
    made: tuple[Made, ...]

    @classmethod
    def of(cls, message: Message, event: Event) -> "Unit":
        """Pack a translated event."""
        return cls(message, event, deliveries(event.id, event.arrival, message.at))

    @property
    def keys(self) -> list[bytes]:
        """Keys that must not be in ``seen`` if the event is new."""
        return call_keys(self.event.arrival) + [one.key for one in self.made]


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
    deliveries: list[Made] = field(default_factory=list)
    seen: list[Mapping[str, Any]] = field(default_factory=list)
    repeats: list[Mapping[str, Any]] = field(default_factory=list)

    def decide(self, unit: Unit) -> Kept:
        """Decide on ``unit``, and add its rows."""
        arrival, identity = unit.event.arrival, unit.event.arrival.identity
        if first := self.repeated.get(unit.message.id):
            return self._repeat(unit, first + unit.event.id[len(unit.message.id) :])
        known = self.sightings.get(identity.call[:KEY_BYTES]) if identity else None
        if known and identity and known.digest != identity.digest[:KEY_BYTES]:
            return self._keep(unit, Status.QUARANTINED, f"{CONTRADICTION}, as {known.event_id}")
        sighted = [self.sightings[one.key] for one in unit.made if one.key in self.sightings]
        if known or (sighted and len(sighted) == len(unit.made)):
            first = (known or sighted[0]).event_id
            if identity and not known:
                self._see(identity.call, identity.digest, first, unit.message.at)
            return self._repeat(unit, first)
        for one in unit.made:
            if one.key not in self.sightings:
                self.deliveries.append(one)
                self._see(one.key, b"", unit.event.id, unit.message.at)
        if identity:
            self._see(identity.call, identity.digest, unit.event.id, unit.message.at)
        return self._keep(unit, arrival.status, arrival.reason)

    def _keep(self, unit: Unit, status: Status, whole_reason: str) -> Kept:
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
        return Kept(unit.event.id, status, arrival.event, reason)

    def _repeat(self, unit: Unit, first: str) -> Kept:
        self.repeats.append({"id": unit.event.id, "event_id": first})
        return Kept(first, Status.DUPLICATE, unit.event.arrival.event, "")

    def _see(self, key: bytes, digest: bytes, event_id: str, at: float) -> None:
        row = seen_row(key, digest, event_id, at)
        self.seen.append(row)
        self.sightings[row["key"]] = Sighting(row["digest"], event_id)


def sightings(connection: Connection, wanted: Sequence[bytes]) -> dict[bytes, Sighting]:
    """Return which of the keys are in ``seen``."""
    known: dict[bytes, Sighting] = {}
    for some in portions(wanted):
        seen = connection.execute(_SIGHTED, {"wanted": some})
        known |= {bytes(row.key): Sighting(bytes(row.digest), row.event_id) for row in seen}
    return known


def deliveries(event_id: str, arrival: Arrival, at: float) -> tuple[Made, ...]:
    """Return the deliveries of an event, due at once."""
    return tuple(
        Made(outgoing_key(one), delivery_row(event_id, one, arrival.event, at), one.payload) for one in arrival.outgoing
    )


def call_keys(arrival: Arrival) -> list[bytes]:
    """Return the key in ``seen`` of an event's identity."""
    return [arrival.identity.call[:KEY_BYTES]] if arrival.identity else []


def outgoing_key(outgoing: Outgoing) -> bytes:
    """Return the key in ``seen`` of a delivery's idempotency key."""
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


def seen_row(key: bytes, digest: bytes, event_id: str, at: float) -> dict[str, Any]:
    """Return the row that makes the next event with ``key`` a repeat."""
    return {"key": key[:KEY_BYTES], "digest": digest[:KEY_BYTES], "event_id": event_id, "at": at}
