"""Claims: reservation of due deliveries by one worker at a time.

A worker claims the deliveries that are due longest, as many as its sink accepts in one call. A claimed delivery is
``sending`` until it is settled or its lease expires. Then it is ``waiting`` again.

After a 429, and its pause, the next claim of all workers is a single delivery, the *probe*. No other claim succeeds
until the probe is settled, or its lease expires.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, case, exists, func, or_, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from bridge.delivery import lanes
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import deliveries, sinks
from bridge.delivery.rules.retry import Fate, Tried
from bridge.delivery.rules.sink import Job, Parcel, Sink


@dataclass(frozen=True, slots=True)
class Follower:
    """A delivery that is merged into a claimed one, and shares its outcome."""

    id: int
    event: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that only this worker may send until the lease expires.

    Attributes:
        number: the fencing token. A later claim has a higher one, and an outcome under the older one is not recorded.
        event: the event's name.
        lease_expires_at: in epoch seconds.
        mergeable: as in ``Outgoing.mergeable``.
        at: when it was claimed, in epoch seconds.
        followers: the deliveries whose payloads are ``parcel.followers``.
    """

    id: int
    number: int
    event_id: str
    event: str
    at: float
    lease_expires_at: float
    mergeable: bool
    tried: Tried
    parcel: Parcel
    followers: tuple[Follower, ...] = ()


@dataclass(slots=True)
class Room:
    """New deliveries that a worker can begin soon.

    They are ``sending`` from the start, and need no claim.

    Attributes:
        count, size: their number, and the bytes of their payloads.
        lease_seconds: length of their lease.
    """

    count: int
    size: int
    lease_seconds: float

    def takes(self, size: int) -> bool:
        """Reserve room for a payload of ``size`` bytes, if there is any."""
        if self.count < 1 or self.size < size:
            return False
        self.count -= 1
        self.size -= size
        return True


class ClaimRows(NamedTuple):
    """Claimed rows of ``deliveries``; by id, the rows that are merged into one."""

    rows: Sequence[Row[Any]]
    runs: Mapping[int, Sequence[Row[Any]]]


_columns = deliveries.c

# Literal values, as in the partial index: with a parameter, SQLite would not use it.
_WAITING = text("deliveries.status = 'waiting'")

_PAUSED = exists().where(
    sinks.c.name == bindparam("of_sink"),
    or_(sinks.c.paused_until > bindparam("now"), sinks.c.probe_until > bindparam("now")),
)

# The lock keeps a second worker from a second probe.
_PROBE = (
    select(sinks.c.probe_until)
    .where(sinks.c.name == bindparam("of_sink"), sinks.c.probe_until.is_not(None))
    .with_for_update()
)

_DUE = select(_columns.id, _columns.due_at, _columns.size).where(
    _columns.sink == bindparam("of_sink"), _WAITING, _columns.due_at <= bindparam("now"), ~_PAUSED
)

_EXPIRED = select(_columns.id).where(
    _columns.sink == bindparam("of_sink"),
    text("deliveries.status = 'sending'"),
    _columns.lease_expires_at <= bindparam("now"),
)

_IS_DUE = select(
    or_(_DUE.with_only_columns(_columns.id).exists(), and_(_EXPIRED.exists(), ~_PAUSED)),
)

# Its worker may have posted it. An upsert that may be part of an unfinished bulk must not be sent alone.
_RELEASE = (
    update(deliveries)
    .where(_columns.id.in_(_EXPIRED))
    .values(
        status=Fate.WAITING,
        due_at=bindparam("now"),
        lease_expires_at=None,
        doubt_since=case(
            (_columns.mergeable, func.coalesce(_columns.doubt_since, bindparam("now"))), else_=_columns.doubt_since
        ),
    )
)


def _take() -> ReturningUpdate[Any]:
    oldest = _DUE.order_by(_columns.due_at, _columns.id).limit(bindparam("most")).subquery()
    total = func.sum(oldest.c.size).over(order_by=(oldest.c.due_at, oldest.c.id))
    sized = select(oldest.c.id, oldest.c.size, total.label("total")).subquery()
    is_first = sized.c.total == sized.c.size  # which is claimed, whatever its size
    fitting = select(sized.c.id).where(or_(sized.c.total <= bindparam("most_bytes"), is_first))
    # The status is checked again where the rows are locked, since another worker may have claimed them. As a
    # parameter, or SQLite would go through the whole backlog in the partial index instead of to each row by its id.
    mine = (
        select(_columns.id)
        .where(_columns.id.in_(fitting), _columns.status == bindparam("waiting"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(deliveries)
        .where(_columns.id.in_(mine))
        .values(
            status=Fate.SENDING,
            lease_expires_at=bindparam("until"),
            claims=_columns.claims + 1,
        )
        .returning(
            _columns.id,
            _columns.claims,
            _columns.event_id,
            _columns.event,
            _columns.key,
            _columns.lane,
            _columns.mergeable,
            _columns.merged_through,
            _columns.never_merge,
            _columns.attempts,
            _columns.created_at,
            _columns.doubt_since,
            _columns.job,
            _columns.job_since,
            _columns.brought_at,
            _columns.payload,
        )
    )


# Built once: building such a statement costs more than running it.
_TAKE = _take()

_REMEMBER_RUN = update(deliveries).where(_columns.id == bindparam("head")).values(merged_through=bindparam("end"))


def is_due(connection: Connection, sink: str, now: float) -> bool:
    """Return whether there is a delivery to claim."""
    return bool(connection.execute(_IS_DUE, {"of_sink": sink, "now": now}).scalar())


def take(connection: Connection, sink: Sink, now: float, lease: float, most: int) -> ClaimRows:
    """Claim up to ``most`` deliveries for ``lease`` seconds."""
    connection.execute(_RELEASE, {"of_sink": sink.name, "now": now})
    is_probe = connection.execute(_PROBE, {"of_sink": sink.name}).first() is not None
    limits = {"of_sink": sink.name, "now": now, "most": 1 if is_probe else most, "most_bytes": sink.max_bytes}
    rows = connection.execute(_TAKE, limits | {"until": now + lease, "waiting": Fate.WAITING}).all()
    if is_probe and rows:
        connection.execute(update(sinks).where(sinks.c.name == sink.name).values(probe_until=now + lease))
    return ClaimRows(rows, _runs(connection, sink.name, rows))


def claims(claimed: ClaimRows, now: float, lease: float) -> list[Claim]:
    """Return the claims of the rows, unpacked, in the order of arrival."""
    return [
        _claim(row, now, lease, claimed.runs.get(row.id, ())) for row in sorted(claimed.rows, key=lambda row: row.id)
    ]


def _runs(connection: Connection, sink: str, rows: Sequence[Row[Any]]) -> dict[int, list[Row[Any]]]:
    """Return, by the id of a claimed delivery, those that are merged into it.

    A repeated attempt has the same ones, since the outcome of the first may be unknown. With fewer of them, an older
    value could follow a newer one. What has arrived since a job began is not part of the job.
    """
    heads = {row.lane: row for row in rows if row.mergeable and not row.never_merge and not _is_alone_in_job(row)}
    by_lane = lanes.behind(connection, sink, heads.keys()) if heads else {}
    runs = {
        heads[lane].id: [
            one for one in run if heads[lane].merged_through is None or one.id <= heads[lane].merged_through
        ]
        for lane, run in by_lane.items()
    }
    fresh = [{"head": row.id, "end": runs[row.id][-1].id} for row in heads.values() if runs.get(row.id)]
    if fresh:
        connection.execute(_REMEMBER_RUN, fresh)
    return runs


def _is_alone_in_job(row: Row[Any]) -> bool:
    return row.job is not None and row.merged_through is None


def _claim(row: Row[Any], now: float, lease: float, run: Collection[Row[Any]]) -> Claim:
    parcel = Parcel(
        key=row.key,
        payload=unpack(row.payload),
        lane=row.lane,
        in_doubt_since=row.doubt_since,
        followers=tuple(unpack(one.payload) for one in run),
        job=Job(row.job, row.job_since) if row.job is not None else None,
    )
    tried = Tried(row.attempts, row.created_at, merged=bool(run), brought_at=row.brought_at or 0.0)
    followers = tuple(Follower(one.id, one.event, one.created_at) for one in run)
    return Claim(row.id, row.claims, row.event_id, row.event, now, now + lease, row.mergeable, tried, parcel, followers)


def born(row: Mapping[str, Any], delivery_id: int, payload: bytes, now: float) -> Claim:
    """Return the claim of a delivery that was inserted as ``sending``."""
    parcel = Parcel(key=row["key"], payload=payload, lane=row["lane"])
    tried = Tried(0, row["created_at"])
    return Claim(
        delivery_id,
        row["claims"],
        row["event_id"],
        row["event"],
        now,
        row["lease_expires_at"],
        row["mergeable"],
        tried,
        parcel,
    )


def hold(connection: Connection, claimed: Collection[Claim], values: Mapping[str, Any]) -> list[Claim]:
    """Update the deliveries whose claims are valid, and return these claims."""
    by_number: dict[int, list[Claim]] = {}
    for one in claimed:
        by_number.setdefault(one.number, []).append(one)
    held: set[int] = set()
    for number, some in by_number.items():
        ours = (_columns.id.in_([one.id for one in some]), _columns.claims == number, _columns.status == Fate.SENDING)
        held.update(connection.execute(update(deliveries).where(*ours).values(values).returning(_columns.id)).scalars())
    return [one for one in claimed if one.id in held]
