"""A million events as they would stand after a week: most delivered, some anywhere else."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table
from ulid import ULID

from bridge.delivery.counts.tallies import BOUNDS, BUCKET_SECONDS, TOTAL_AFTER_SECONDS, WIDTHS
from bridge.delivery.database import tables
from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import pack
from bridge.delivery.database.rows import insert_rows, portions
from bridge.directions import TO_SEGMENT, TO_VOUCHERIFY
from bridge.doors import VOUCHERIFY
from bridge.messages import CALLS, WEBHOOKS
from bridge.to_segment.catalogue import EVENTS

WEEK = 7 * 86_400.0
TOGETHER = 20_000

UPSERT = "Upsert Customer"
_NAMES = [event.name for event in EVENTS]
_BODY = pack(b'{"type": "redemption.succeeded", "data": {}}' * 20)
_CREDENTIAL = b"0123456789abcdef"
_CAUSES = [f"rejected 400: cause number {number}" for number in range(20)]

# Of a thousand events: what they are, and where they stand.
_SHARES = ["ignored"] * 30 + ["quarantined"] * 5 + ["dead"] * 20 + ["uncertain"] * 2 + ["waiting"] * 13
STANDINGS = _SHARES + ["delivered"] * (1000 - len(_SHARES))

REPEATED, PENDING, AUDITED = 50, 1_000, 1_000
"""Of so many events one has a repeat; of so many there is a message that waits for translation, and an audit record."""


def fill(database: Database, count: int, now: float) -> None:
    """``count`` events, spread evenly over the week before ``now``."""
    for numbers in portions(range(count), TOGETHER):
        events = [_event(number, now - WEEK + number * WEEK / count) for number in numbers]
        pairs = list(zip(numbers, events, strict=True))
        going = [_delivery(number, event) for number, event in pairs if _goes(number)]
        repeats = [_repeat(event) for event in events if event["repeats"]]
        with database.writing() as connection:
            _insert(connection, tables.messages, (_message(one["id"], one) for one in [*events, *repeats]))
            _insert(connection, tables.events, events)
            _insert(connection, tables.deliveries, going)
            _insert(connection, tables.attempts, (_attempt(one) for one in going if one["cause"]))
            _insert(connection, tables.seen, (_seen(event) for event in events))
            _insert(connection, tables.repeats, ({"id": one["id"], "event_id": one["event_id"]} for one in repeats))
    with database.writing() as connection:
        waiting = [_event(number, now) for number in range(count // PENDING)]
        _insert(connection, tables.messages, (_message(one["id"], one) for one in waiting))
        _insert(connection, tables.pending, (_pending(one) for one in waiting))
        _insert(connection, tables.audit, (_audit(now - number) for number in range(count // AUDITED)))
        _insert(connection, tables.sinks, ({"name": name, "beat_at": now} for name in ("segment", "voucherify")))
        _insert(connection, tables.translators, ({"queue": name, "beat_at": now} for name in (WEBHOOKS, CALLS)))
        _insert(connection, tables.tallies, _tallies(now))
        _insert(connection, tables.latencies, _latencies(now))


def standing(number: int) -> str:
    """Where that event stands, as if by chance."""
    return STANDINGS[_chance(number) % 1000]


def _insert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    insert_rows(connection, table, list(rows))


def _chance(number: int) -> int:
    return int.from_bytes(_digest(number.to_bytes(8))[:6])


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _goes(number: int) -> bool:
    return standing(number) not in ("ignored", "quarantined")


def _event(number: int, at: float) -> dict[str, Any]:
    stands, chance = standing(number), _chance(number)
    to_segment = chance % 5 > 0
    return {
        "id": str(ULID.from_timestamp(at)),
        "door": VOUCHERIFY if to_segment else "segmentio/customer-processing",
        "direction": TO_SEGMENT if to_segment else TO_VOUCHERIFY,
        "status": "accepted" if _goes(number) else stands,
        "event": _NAMES[chance % len(_NAMES)] if to_segment else UPSERT,
        "reason": "" if _goes(number) else f"the reason of {stands}",
        "customer": f"customer-{chance % 50_000}",
        "received_at": at,
        "repeats": int(number % REPEATED == 0),
    }


def _repeat(event: Mapping[str, Any]) -> dict[str, Any]:
    at = event["received_at"] + 1.0
    return {**event, "id": str(ULID.from_timestamp(at)), "event_id": event["id"], "received_at": at}


def _message(message_id: str, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": message_id,
        "queue": _queue(event),
        "direction": event["direction"],
        "door": event["door"],
        "received_at": event["received_at"],
        "request_id": message_id,
        "credential": _CREDENTIAL,
        "body": _BODY,
    }


def _queue(event: Mapping[str, Any]) -> str:
    return WEBHOOKS if event["direction"] == TO_SEGMENT else CALLS


def _pending(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"queue": _queue(event), "message_id": event["id"], "size": len(_BODY)}


def _seen(event: Mapping[str, Any]) -> dict[str, Any]:
    key = _digest(event["id"].encode())
    return {"key": key, "digest": key, "event_id": event["id"], "at": event["received_at"]}


def _audit(at: float) -> dict[str, Any]:
    return {"id": str(ULID.from_timestamp(at)), "at": at, "who": "Ada", "did": "replay", "detail": "accepted"}


def _delivery(number: int, event: Mapping[str, Any]) -> dict[str, Any]:
    stands = standing(number)
    is_delivered, is_settled = stands == "delivered", stands != "waiting"
    return {
        "id": number + 1,
        "event_id": event["id"],
        "sink": event["direction"].removeprefix("to_"),
        "event": event["event"],
        "key": f"bridge-{number:032x}",
        "lane": None,
        "mergeable": False,
        "status": stands,
        "due_at": event["received_at"],
        "claims": int(is_settled),
        "attempts": int(is_settled),
        "created_at": event["received_at"],
        "settled_at": event["received_at"] + 0.7 if is_settled else None,
        "code": 200 if is_delivered else None,
        "seconds": 0.1 if is_delivered else None,
        "cause": _CAUSES[number % len(_CAUSES)] if stands in ("dead", "uncertain") else None,
        "size": 800,
        "payload": _BODY,
    }


def _attempt(delivery: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "delivery_id": delivery["id"],
        "claim": 1,
        "at": delivery["settled_at"],
        "seconds": 0.1,
        "outcome": "rejected" if delivery["status"] == "dead" else "unknown",
        "code": 400 if delivery["status"] == "dead" else None,
        "detail": delivery["cause"],
    }


def _buckets(now: float) -> Iterator[int]:
    """As ``folding`` leaves them."""
    ends = [now, *(now - age for age, _ in WIDTHS), now - TOTAL_AFTER_SECONDS]
    for end, begin, wide in zip(ends, ends[1:], (BUCKET_SECONDS, *(wide for _, wide in WIDTHS)), strict=False):
        yield from range(int(begin) // wide * wide, int(end) // wide * wide, wide)


def _tallies(now: float) -> Iterator[dict[str, Any]]:
    """Of every name all that can be counted, and twenty causes."""
    for at in _buckets(now):
        for name in [*_NAMES, UPSERT, "Add Custom Event", "Assign Group"]:
            direction = TO_SEGMENT if name in _NAMES else TO_VOUCHERIFY
            key = {"bucket": at, "direction": direction, "event": name, "shard": 0, "count": 40}
            for what in ("accepted", "delivered", "duplicate", "ignored"):
                yield {**key, "what": what, "cause": ""}
            yield {**key, "what": "dead", "cause": _CAUSES[at // 300 % len(_CAUSES)]}


def _latencies(now: float) -> Iterator[dict[str, Any]]:
    for at in _buckets(now):
        for sink in ("segment", "voucherify"):
            for bound in BOUNDS:
                yield {"bucket": at, "sink": sink, "up_to": bound, "shard": 0, "count": 9, "seconds": 9 * bound}
