"""Claiming: what is due longest, as much as a sink takes at once, for one worker at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, exists, func, or_, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from bridge.delivery import lanes
from bridge.delivery.retry import Tried
from bridge.delivery.sink import Parcel, Sink
from bridge.delivery.store import unpack
from bridge.delivery.tables import deliveries, sinks


@dataclass(frozen=True, slots=True)
class Follower:
    """A delivery that is merged into a claimed one, and shares its fate."""

    id: int
    event: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker, and no other, may send until the lease ends.

    Attributes:
        number: the fencing token. A later claim has a higher one, and then this one settles nothing any more.
        event: the event's name.
        at: when it was claimed, in epoch seconds.
        followers: the deliveries whose payloads are ``parcel.followers``.
    """

    id: int
    number: int
    event_id: str
    event: str
    at: float
    tried: Tried
    parcel: Parcel
    followers: tuple[Follower, ...] = ()


class Taken(NamedTuple):
    """Rows of ``deliveries`` that were taken; and by the id of one, those that are merged into it."""

    rows: Sequence[Row[Any]]
    runs: Mapping[int, Sequence[Row[Any]]]


_columns = deliveries.c

# Written out, as in the partial index that answers it: with a parameter SQLite would not use the index.
_WAITING = text("deliveries.status = 'waiting'")

_PAUSED = exists().where(sinks.c.name == bindparam("of_sink"), sinks.c.paused_until > bindparam("now"))

_DUE = select(_columns.id, _columns.due_at, _columns.size).where(
    _columns.sink == bindparam("of_sink"), _WAITING, _columns.due_at <= bindparam("now"), ~_PAUSED
)

_IS_DUE = _DUE.limit(1)


def _take() -> ReturningUpdate[Any]:
    oldest = _DUE.order_by(_columns.due_at, _columns.id).limit(bindparam("most")).subquery()
    total = func.sum(oldest.c.size).over(order_by=(oldest.c.due_at, oldest.c.id))
    sized = select(oldest.c.id, oldest.c.size, total.label("total")).subquery()
    is_first = sized.c.total == sized.c.size  # and goes, whatever its size
    fitting = select(sized.c.id).where(or_(sized.c.total <= bindparam("most_bytes"), is_first))
    # Due is asked once more where the rows are locked: meanwhile another worker may have claimed them. In other words
    # than the index's, or SQLite would go through the whole backlog in it instead of to each row by its id.
    mine = (
        select(_columns.id)
        .where(_columns.id.in_(fitting), _columns.settled_at.is_(None), _columns.due_at <= bindparam("now"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(deliveries)
        .where(_columns.id.in_(mine))
        .values(
            due_at=bindparam("until"),
            claims=_columns.claims + 1,
            doubt_since=func.coalesce(_columns.doubt_since, bindparam("now")),
        )
        .returning(
            _columns.id,
            _columns.claims,
            _columns.event_id,
            _columns.event,
            _columns.key,
            _columns.lane,
            _columns.mergeable,
            _columns.run_end,
            _columns.attempts,
            _columns.created_at,
            _columns.doubt_since,
            _columns.payload,
        )
    )


# Made once: to put such a statement together costs more than to execute it.
_TAKE = _take()

_REMEMBER_RUN = update(deliveries).where(_columns.id == bindparam("head")).values(run_end=bindparam("end"))


def is_due(connection: Connection, sink: str, now: float) -> bool:
    """Whether there is anything to claim."""
    return connection.execute(_IS_DUE, {"of_sink": sink, "now": now}).first() is not None


def take(connection: Connection, sink: Sink, now: float, lease: float) -> Taken:
    """Take deliveries for ``lease`` seconds."""
    limits = {"of_sink": sink.name, "now": now, "most": sink.max_count, "most_bytes": sink.max_bytes}
    rows = connection.execute(_TAKE, limits | {"until": now + lease}).all()
    return Taken(rows, _runs(connection, sink.name, rows))


def claims(taken: Taken, now: float) -> list[Claim]:
    """What was taken, unpacked, in the order of arrival."""
    return [_claim(row, now, taken.runs.get(row.id, ())) for row in sorted(taken.rows, key=lambda row: row.id)]


def _runs(connection: Connection, sink: str, rows: Sequence[Row[Any]]) -> dict[int, list[Row[Any]]]:
    """By the id of a claimed delivery, those that are merged into it: at a repeat the same as before, for what came of
    the first time is not known, and with fewer of them an older value could come after a newer one.
    """
    heads = {row.lane: row for row in rows if row.mergeable and row.run_end != row.id}
    found = lanes.behind(connection, sink, heads.keys()) if heads else {}
    runs = {
        heads[lane].id: [one for one in run if heads[lane].run_end is None or one.id <= heads[lane].run_end]
        for lane, run in found.items()
    }
    fresh = [{"head": row.id, "end": runs[row.id][-1].id} for row in heads.values() if runs.get(row.id)]
    if fresh:
        connection.execute(_REMEMBER_RUN, fresh)
    return runs


def _claim(row: Row[Any], now: float, run: Collection[Row[Any]]) -> Claim:
    parcel = Parcel(
        key=row.key,
        payload=unpack(row.payload),
        lane=row.lane,
        in_doubt_since=row.doubt_since if row.doubt_since < now else None,
        followers=tuple(unpack(one.payload) for one in run),
    )
    tried = Tried(row.attempts, row.created_at, merged=bool(run))
    followers = tuple(Follower(one.id, one.event, one.created_at) for one in run)
    return Claim(row.id, row.claims, row.event_id, row.event, now, tried, parcel, followers)
