"""Lanes: deliveries that are sent one after another, in the order of arrival.

Only the first delivery of a lane is ``waiting`` or ``sending``. Those behind it are ``queued`` until it is settled. So
trouble with one customer delays no other customer. A customer with ten thousand calls costs the others the reading of
one row.
"""

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from bridge.delivery.database.rows import portions
from bridge.delivery.database.tables import deliveries
from bridge.delivery.rules.retry import Fate

Lane = tuple[str, str]
"""A sink, and the lane's name there."""

LONGEST_RUN = 100
"""Deliveries behind the first that are read for a merge."""

LONGEST_NAME = 200
"""Characters of a lane's name.

PostgreSQL's indexes hold 2,704 bytes a row, and a customer's id may have any length.
"""

MANY = 1_000
"""Lanes that one transaction locks one by one.

A lock is a row in a table that PostgreSQL's processes share, and its size is fixed. A transaction that needs more takes
a single lock for all lanes.
"""

# Literal values, as in the partial index that answers the query.
_OPEN = text("deliveries.status IN ('waiting', 'queued', 'sending')")
_QUEUED = text("deliveries.status = 'queued'")

_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
_LOCK_ALL = text("SELECT pg_advisory_xact_lock(:every)")
_LOCK_ALL_SHARED = text("SELECT pg_advisory_xact_lock_shared(:every)")

# Any constant: the name of the lock of all lanes.
_EVERY = 0x6C616E6573


def name(whole: str) -> str:
    """Return the name of a lane.

    A text that is too long for an index becomes its beginning and a digest.
    """
    if len(whole) <= LONGEST_NAME:
        return whole
    digest = blake2b(whole.encode(), digest_size=32).hexdigest()
    return f"{whole[: LONGEST_NAME - len(digest)]}{digest}"


def enter(connection: Connection, lanes: Collection[Lane]) -> None:
    """Lock these lanes until the end of the transaction.

    A transaction that adds decides by the rows that exist, and one that settles by the rows that remain. The lock keeps
    them apart. SQLite has one writer at a time anyway.
    """
    if not lanes or connection.dialect.name != "postgresql":
        return
    # In one order everywhere, so that there is no deadlock: first the lock of all lanes, shared by those that need few.
    if len(lanes) > MANY:
        connection.execute(_LOCK_ALL, {"every": _EVERY})
    else:
        connection.execute(_LOCK_ALL_SHARED, {"every": _EVERY})
        connection.execute(_LOCK, {"keys": sorted(map(_number, lanes))})


def occupied(connection: Connection, lanes: Collection[Lane]) -> set[Lane]:
    """Return those of the lanes that have waiting deliveries."""
    busy: set[Lane] = set()
    for sink, names in _by_sink(lanes).items():
        for some in portions(names):
            statement = (
                select(deliveries.c.lane)
                .where(deliveries.c.sink == sink, deliveries.c.lane.in_(some), _OPEN)
                .group_by(deliveries.c.lane)
            )
            busy |= {(sink, lane) for lane in connection.execute(statement).scalars()}
    return busy


def place(rows: Iterable[Mapping[str, Any]], busy: set[Lane]) -> list[dict[str, Any]]:
    """Set the status of each row by its place in its lane.

    The first of a free lane is waiting, others are queued.
    """
    placed = []
    for row in rows:
        lane = (row["sink"], row["lane"])
        behind = row["lane"] is not None and lane in busy
        placed.append({**row, "status": Fate.QUEUED if behind else Fate.WAITING})
        busy.add(lane)
    return placed


def advance(connection: Connection, sink: str, names: Collection[str], now: float) -> None:
    """Make the next delivery of each lane the first."""
    columns = deliveries.c
    nexts = (
        select(func.min(columns.id))
        .where(columns.sink == sink, columns.lane.in_(names), _QUEUED)
        .group_by(columns.lane)
    )
    connection.execute(update(deliveries).where(columns.id.in_(nexts)).values(status=Fate.WAITING, due_at=now))


def behind(connection: Connection, sink: str, names: Collection[str]) -> dict[str, list[Any]]:
    """Return, by lane, the rows that may be merged into the first.

    A row is (id, event, created_at, payload). The rows are consecutive, mergeable, and without an attempt.
    """
    columns = deliveries.c
    place_in_lane = func.row_number().over(partition_by=columns.lane, order_by=columns.id).label("place")
    queued = (
        select(columns.id, columns.lane, place_in_lane)
        .where(columns.sink == sink, columns.lane.in_(names), _QUEUED)
        .subquery()
    )
    rows = connection.execute(
        select(
            columns.id,
            columns.lane,
            columns.event,
            columns.created_at,
            columns.mergeable,
            columns.claims,
            columns.payload,
        )
        .join(queued, queued.c.id == columns.id)
        .where(queued.c.place <= LONGEST_RUN)
        .order_by(columns.id)
    )
    runs: dict[str, list[Any]] = {}
    ended: set[str] = set()
    for row in rows:
        if not row.mergeable or row.claims:  # a replayed delivery has attempts of its own
            ended.add(row.lane)
        elif row.lane not in ended:
            runs.setdefault(row.lane, []).append(row)
    return runs


def _by_sink(lanes: Collection[Lane]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for sink, name in sorted(lanes):
        grouped.setdefault(sink, []).append(name)
    return grouped


def _number(lane: Lane) -> int:
    digest = blake2b("\0".join(lane).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
