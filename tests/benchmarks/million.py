"""Fills a database with a million events as they would stand after a week: most delivered, some anywhere else."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import insert
from ulid import ULID

from bridge.delivery.database import Database
from bridge.delivery.packing import pack
from bridge.delivery.tables import attempts, deliveries, events, latencies, messages, sinks, tallies
from bridge.delivery.tallies import BOUNDS, BUCKET, TOTAL_AFTER, WIDTHS
from bridge.to_segment.catalogue import EVENTS

WEEK = 7 * 86_400.0
TOGETHER = 20_000

_NAMES = [event.name for event in EVENTS]
_BODY = pack(b'{"type": "redemption.succeeded", "data": {}}' * 20)
_CAUSES = [f"rejected 400: cause number {number}" for number in range(20)]

# Of a thousand events: what they are, and where they stand.
_SHARES = ["ignored"] * 30 + ["quarantined"] * 5 + ["dead"] * 20 + ["uncertain"] * 2 + ["waiting"] * 13
STANDINGS = _SHARES + ["delivered"] * (1000 - len(_SHARES))


def fill(database: Database, count: int, now: float) -> None:
    """``count`` events, spread evenly over the week before ``now``."""
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        rows = [_event(number, now - WEEK + number * WEEK / count) for number in numbers]
        going = [_delivery(number, row) for number, row in zip(numbers, rows, strict=True) if _goes(number)]
        with database.writing() as connection:
            connection.execute(insert(messages), [_message(row) for row in rows])
            connection.execute(insert(events), rows)
            connection.execute(insert(deliveries), going)
            connection.execute(insert(attempts), [_attempt(row) for row in going if row["cause"]])
    with database.writing() as connection:
        connection.execute(insert(sinks), [{"name": name, "beat_at": now} for name in ("segment", "voucherify")])
        connection.execute(insert(tallies), list(_tallies(now)))
        connection.execute(insert(latencies), list(_latencies(now)))


def standing(number: int) -> str:
    """Where that event stands, as if by chance."""
    return STANDINGS[_chance(number) % 1000]


def _chance(number: int) -> int:
    return int.from_bytes(hashlib.blake2b(number.to_bytes(8), digest_size=6).digest())


def _goes(number: int) -> bool:
    return standing(number) not in ("ignored", "quarantined")


def _event(number: int, at: float) -> dict[str, Any]:
    stands, chance = standing(number), _chance(number)
    to_segment = chance % 5 > 0
    return {
        "id": str(ULID.from_timestamp(at)),
        "door": "webhooks/voucherify",
        "direction": "to_segment" if to_segment else "to_voucherify",
        "status": "accepted" if _goes(number) else stands,
        "event": _NAMES[chance % len(_NAMES)] if to_segment else "Upsert Customer",
        "reason": "" if _goes(number) else f"the reason of {stands}",
        "customer": f"customer-{chance % 50_000}",
        "received_at": at,
    }


def _message(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": event["id"],
        "queue": "webhooks" if event["direction"] == "to_segment" else "calls",
        "direction": event["direction"],
        "door": event["door"],
        "received_at": event["received_at"],
        "request_id": "",
        "credential": b"",
        "body": _BODY,
    }


def _delivery(number: int, event: Mapping[str, Any]) -> dict[str, Any]:
    stands = standing(number)
    settled = event["received_at"] + 0.7 if stands != "waiting" else None
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
        "attempts": int(stands != "waiting"),
        "created_at": event["received_at"],
        "settled_at": settled,
        "code": 200 if stands == "delivered" else None,
        "seconds": 0.1 if stands == "delivered" else None,
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
        "outcome": "rejected",
        "code": 400,
        "detail": "",
    }


def _buckets(now: float) -> Iterator[int]:
    """As ``folding`` leaves them."""
    ends = [now, *(now - age for age, _ in WIDTHS), now - TOTAL_AFTER]
    for end, begin, wide in zip(ends, ends[1:], (BUCKET, *(wide for _, wide in WIDTHS)), strict=False):
        yield from range(int(begin) // wide * wide, int(end) // wide * wide, wide)


def _tallies(now: float) -> Iterator[dict[str, Any]]:
    """Of every name all that can be counted, and twenty causes."""
    for at in _buckets(now):
        for name in [*_NAMES, "Upsert Customer", "Add Custom Event", "Assign Group"]:
            direction = "to_segment" if name in _NAMES else "to_voucherify"
            key = {"bucket": at, "direction": direction, "event": name, "shard": 0, "count": 40}
            for what in ("accepted", "delivered", "duplicate", "ignored"):
                yield {**key, "what": what, "cause": ""}
            yield {**key, "what": "dead", "cause": _CAUSES[at // 300 % len(_CAUSES)]}


def _latencies(now: float) -> Iterator[dict[str, Any]]:
    for at in _buckets(now):
        for sink in ("segment", "voucherify"):
            for bound in BOUNDS:
                yield {"bucket": at, "sink": sink, "up_to": bound, "shard": 0, "count": 9, "seconds": 9 * bound}
