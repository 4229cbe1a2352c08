"""Taking arrivals in: each kept, with what must go out, and answered for, in one transaction."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from isal import isal_zlib
from sqlalchemy import Connection, bindparam, select, update

from bridge.arrival import Arrival, Kept, Outgoing, Status
from bridge.delivery import causes, lanes, tables, tallies
from bridge.delivery.rows import insert_rows, portions
from bridge.delivery.tallies import Tally, bucket

KEY_BYTES = 16
CONTRADICTION = "the same event.id came before with other data"

# A higher level costs more time than its space is worth.
_LEVEL = 1

_SIGHTED = select(tables.seen).where(tables.seen.c.key.in_(bindparam("wanted", expanding=True)))
_REPEATED = (
    update(tables.events).where(tables.events.c.id == bindparam("repeated")).values(repeats=tables.events.c.repeats + 1)
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came in.

    Attributes:
        id: a ULID, under which it will be kept if it is new.
        door: the path that it came in by.
        direction: ``to_segment`` or ``to_voucherify``.
        body: the raw bytes.
        at: when it was received, in epoch seconds.
    """

    id: str
    door: str
    direction: str
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Received:
    """A message and what it means, packed: all that can be done before it is its turn to be written.

    Attributes:
        body: packed.
        deliveries: the key and the row of each delivery.
    """

    message: Message
    arrival: Arrival
    body: bytes
    deliveries: tuple[tuple[bytes, Mapping[str, Any]], ...]

    @classmethod
    def pack(cls, message: Message, arrival: Arrival) -> Self:
        """Of a message and what it means."""
        rows = tuple(
            (outgoing_key(one), delivery_row(message.id, one, arrival.event, message.at)) for one in arrival.outgoing
        )
        return cls(message, arrival, pack(message.body), rows)

    @property
    def keys(self) -> list[bytes]:
        """All that ``seen`` must not hold if it is new."""
        return _call_keys(self.arrival) + [key for key, _ in self.deliveries]


class Sighting(NamedTuple):
    """A key that was seen before: with which digest, and in which event."""

    digest: bytes
    event_id: str


@dataclass(slots=True)
class _Batch:
    """What one transaction is going to write, and what was seen before or within it."""

    sightings: dict[bytes, Sighting]
    events: list[Mapping[str, Any]] = field(default_factory=list)
    deliveries: list[Mapping[str, Any]] = field(default_factory=list)
    seen: list[Mapping[str, Any]] = field(default_factory=list)
    repeated: list[Mapping[str, Any]] = field(default_factory=list)

    def take(self, one: Received) -> Kept:
        """Decide what ``one`` is: new, a repeat, or a contradiction."""
        arrival, identity = one.arrival, one.arrival.identity
        known = self.sightings.get(identity.call[:KEY_BYTES]) if identity else None
        if known and identity and known.digest != identity.digest[:KEY_BYTES]:
            return self._keep(one, Status.QUARANTINED, f"{CONTRADICTION}, as {known.event_id}")
        told = [self.sightings[key] for key, _ in one.deliveries if key in self.sightings]
        if known or (told and len(told) == len(one.deliveries)):
            return self._repeat(one, known or told[0])
        for key, row in one.deliveries:
            if key not in self.sightings:
                self.deliveries.append(row)
                self._see(key, b"", one.message.id, one.message.at)
        if identity:
            self._see(identity.call, identity.digest, one.message.id, one.message.at)
        return self._keep(one, arrival.status, arrival.reason)

    def _keep(self, one: Received, status: Status, reason: str) -> Kept:
        message, event, customer = one.message, one.arrival.event, one.arrival.customer
        self.events.append(
            {
                "id": message.id,
                "door": message.door,
                "direction": message.direction,
                "status": status,
                "event": event,
                "reason": reason,
                "customer": customer,
                "received_at": message.at,
                "body": one.body,
            }
        )
        return Kept(message.id, status, event, reason)

    def _repeat(self, one: Received, first: Sighting) -> Kept:
        identity = one.arrival.identity
        if identity and identity.call[:KEY_BYTES] not in self.sightings:
            self._see(identity.call, identity.digest, first.event_id, one.message.at)
        self.repeated.append({"repeated": first.event_id})
        return Kept(first.event_id, Status.DUPLICATE, one.arrival.event, "")

    def _see(self, key: bytes, digest: bytes, event_id: str, at: float) -> None:
        row = seen_row(key, digest, event_id, at)
        self.seen.append(row)
        self.sightings[row["key"]] = Sighting(row["digest"], event_id)


def keep(connection: Connection, received: Sequence[Received]) -> list[Kept]:
    """Store them, in their order, and say under which id each is kept and what became of it.

    Raises:
        IntegrityError: another process has just stored one of them. The transaction must be tried again.
    """
    batch = _Batch(sightings(connection, [key for one in received for key in one.keys]))
    kept = [batch.take(one) for one in received]
    insert_rows(connection, tables.events, batch.events)
    insert_rows(connection, tables.deliveries, placed(connection, batch.deliveries))
    # In one order everywhere, so that two processes wait for each other and never in a circle.
    insert_rows(connection, tables.seen, sorted(batch.seen, key=lambda row: row["key"]))
    if batch.repeated:
        connection.execute(_REPEATED, sorted(batch.repeated, key=lambda row: row["repeated"]))
    tallies.add(connection, Counter(map(_tally, received, kept)))
    return kept


def _tally(one: Received, kept: Kept) -> Tally:
    cause = causes.of_reason(kept.reason) if kept.status is Status.QUARANTINED else ""
    return Tally(bucket(one.message.at), one.message.direction, kept.event, kept.status, cause)


def placed(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of new deliveries, each with the status that its place in its lane gives it."""
    wanted = {(row["sink"], row["lane"]) for row in rows if row["lane"] is not None}
    lanes.enter(connection, wanted)
    return lanes.place(rows, lanes.occupied(connection, wanted))


def sightings(connection: Connection, wanted: Sequence[bytes]) -> dict[bytes, Sighting]:
    """Which of the keys were seen before."""
    found: dict[bytes, Sighting] = {}
    for some in portions(wanted):
        seen = connection.execute(_SIGHTED, {"wanted": some})
        found |= {bytes(row.key): Sighting(bytes(row.digest), row.event_id) for row in seen}
    return found


def keys(arrival: Arrival) -> list[bytes]:
    """All that ``seen`` must not hold if ``arrival`` is new."""
    return _call_keys(arrival) + [outgoing_key(one) for one in arrival.outgoing]


def _call_keys(arrival: Arrival) -> list[bytes]:
    return [arrival.identity.call[:KEY_BYTES]] if arrival.identity else []


def outgoing_key(outgoing: Outgoing) -> bytes:
    """What stands for a delivery's idempotency key in ``seen``."""
    return hashlib.sha256(f"{outgoing.sink} {outgoing.key}".encode()).digest()[:KEY_BYTES]


def delivery_row(event_id: str, outgoing: Outgoing, event: str, at: float) -> dict[str, Any]:
    """The row of a delivery that is due at once; its status follows from its place in its lane."""
    return {
        "event_id": event_id,
        "sink": outgoing.sink,
        "event": event,
        "key": outgoing.key,
        "lane": outgoing.lane,
        "mergeable": outgoing.mergeable,
        "due_at": at,
        "created_at": at,
        "size": len(outgoing.payload),
        "payload": pack(outgoing.payload),
    }


def seen_row(key: bytes, digest: bytes, event_id: str, at: float) -> dict[str, Any]:
    """The row that makes the next sighting of ``key`` a repeat."""
    return {"key": key[:KEY_BYTES], "digest": digest[:KEY_BYTES], "event_id": event_id, "at": at}


def pack(content: bytes) -> bytes:
    """``content`` compressed, for a column: as zlib does, in half its time."""
    return isal_zlib.compress(content, _LEVEL)


def unpack(column: bytes) -> bytes:
    """What ``pack`` was given."""
    return isal_zlib.decompress(column)
