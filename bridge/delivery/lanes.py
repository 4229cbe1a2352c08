"""Lanes: deliveries that go out one after another, in the order in which they came in.

Only the first of a lane is ``waiting`` or ``sending``; those behind it are ``queued`` until it is settled for
good. So one customer's trouble keeps nobody else, and one with ten thousand calls costs the others a look at one.
"""

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from bridge.delivery.database.rows import portions
from bridge.delivery.database.tables import deliveries
from bridge.delivery.rules.retry import Fate

Lane = tuple[str, str]
"""A sink and the lane's name there."""

LONGEST_RUN = 100
"""How many that wait behind the first may be looked at, to be merged into it."""

LONGEST_NAME = 200
"""Characters. PostgreSQL's indexes hold 2,704 bytes a row, and a customer's id may be of any length."""

MANY = 1_000
"""Lanes that one transaction may enter one by one. A lock is a row in a table that PostgreSQL's processes share, and
that does not grow: whoever wants more takes a single lock for all."""

# Written out, as in the partial index that answers it.
_OPEN = text("deliveries.status IN ('waiting', 'queued', 'sending')")
_QUEUED = text("deliveries.status = 'queued'")

_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
_LOCK_ALL = text("SELECT pg_advisory_xact_lock(:every)")
_LOCK_ALL_SHARED = text("SELECT pg_advisory_xact_lock_shared(:every)")

# Any constant does: it names the lock of all lanes.
_EVERY = 0x6C616E6573


def name(whole: str) -> str:
    """The name of the lane of ``whole``: itself, or a beginning and a digest if it is too long for an index."""
    if len(whole) <= LONGEST_NAME:
        return whole
    digest = blake2b(whole.encode(), digest_size=32).hexdigest()
    return f"{whole[: LONGEST_NAME - len(digest)]}{digest}"


def enter(connection: Connection, lanes: Collection[Lane]) -> None:
    """Wait until nobody else adds to these lanes or takes from them, until the end of the transaction.

    Whoever adds decides by what is there, and whoever settles by what is left: neither may miss the other. SQLite has
    one writer at a time anyway.
    """
    if not lanes or connection.dialect.name != "postgresql":
        return
    # In one order everywhere, so that nobody waits in a circle: first that of all, shared by those who want few.
    if len(lanes) > MANY:
        connection.execute(_LOCK_ALL, {"every": _EVERY})
    else:
        connection.execute(_LOCK_ALL_SHARED, {"every": _EVERY})
        connection.execute(_LOCK, {"keys": sorted(map(_number, lanes))})


def occupied(connection: Connection, lanes: Collection[Lane]) -> set[Lane]:
    """Those of the lanes in which something still waits."""
    found: set[Lane] = set()
    for sink, names in _by_sink(lanes).items():
        for some in portions(names):
            statement = (
                select(deliveries.c.lane)
                .where(deliveries.c.sink == sink, deliveries.c.lane.in_(some), _OPEN)
                .group_by(deliveries.c.lane)
            )
            found |= {(sink, lane) for lane in connection.execute(statement).scalars()}
    return found


def place(rows: Iterable[Mapping[str, Any]], taken: set[Lane]) -> list[dict[str, Any]]:
    """The rows with the status that their place in the lane gives: the first of a free lane waits, others queue."""
    placed = []
    for row in rows:
        lane = (row["sink"], row["lane"])
        behind = row["lane"] is not None and lane in taken
        placed.append({**row, "status": Fate.QUEUED if behind else Fate.WAITING})
        taken.add(lane)
    return placed


def advance(connection: Connection, sink: str, names: Collection[str], now: float) -> None:
    """The next of each lane becomes the first."""
    columns = deliveries.c
    nexts = (
        select(func.min(columns.id))
        .where(columns.sink == sink, columns.lane.in_(names), _QUEUED)
        .group_by(columns.lane)
    )
    connection.execute(update(deliveries).where(columns.id.in_(nexts)).values(status=Fate.WAITING, due_at=now))


def behind(connection: Connection, sink: str, names: Collection[str]) -> dict[str, list[Any]]:
    """By lane, the rows (id, event, created_at, payload) that may be merged into the first: mergeable after mergeable,
    none tried yet.
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
        if not row.mergeable or row.claims:  # a replayed one has a history of its own
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
