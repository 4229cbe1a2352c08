"""What must go out: claimed for a while, and settled by whoever still holds the claim."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, exists, func, insert, or_, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from bridge.delivery import lanes
from bridge.delivery.database import Database
from bridge.delivery.retry import Decision, Fate, Tried
from bridge.delivery.sink import RESPONSE_LENGTH, Happened, Outcome, Parcel, Sink
from bridge.delivery.store import unpack
from bridge.delivery.tables import attempts, deliveries, sinks
from bridge.wire import storable


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker, and no other, may send until the lease ends.

    Attributes:
        number: the fencing token. A later claim has a higher one, and then this one settles nothing any more.
        at: when it was claimed, in epoch seconds.
        followers: the ids of the deliveries whose payloads are ``parcel.followers``.
    """

    id: int
    number: int
    event_id: str
    at: float
    tried: Tried
    parcel: Parcel
    followers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What happened to a claimed delivery, and what follows."""

    claim: Claim
    outcome: Outcome
    decision: Decision

    @property
    def is_final(self) -> bool:
        """Whether it will not be sent again."""
        return self.decision.fate is not Fate.WAITING


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

_SETTLE = (
    update(deliveries)
    .where(_columns.id == bindparam("claimed"), _columns.claims == bindparam("number"))
    .values(
        status=bindparam("fate"),
        due_at=bindparam("due"),
        attempts=bindparam("tries"),
        doubt_since=bindparam("doubt"),
        settled_at=bindparam("settled"),
        run_end=case((bindparam("alone"), _columns.id), else_=_columns.run_end),
    )
)

_REMEMBER_RUN = update(deliveries).where(_columns.id == bindparam("head")).values(run_end=bindparam("end"))

_SETTLE_FOLLOWER = (
    update(deliveries)
    .where(_columns.id == bindparam("follower"), _columns.status == Fate.QUEUED)
    .values(status=bindparam("fate"), claims=bindparam("number"), attempts=1, settled_at=bindparam("settled"))
)


class Outbox:
    """The deliveries of all sinks, shared by all workers of all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_due(self, sink: str, now: float) -> bool:
        """Whether there is anything to send: a cheap question, which may be asked often."""
        with self._database.reading() as connection:
            return connection.execute(_IS_DUE, {"of_sink": sink, "now": now}).first() is not None

    def claim(self, sink: Sink, now: float, lease: float) -> list[Claim]:
        """Take what is due longest, as much as ``sink`` takes at once, for ``lease`` seconds."""
        limits = {"of_sink": sink.name, "now": now, "most": sink.max_count, "most_bytes": sink.max_bytes}
        with self._database.writing() as connection:
            rows = connection.execute(_TAKE, limits | {"until": now + lease}).all()
            runs = _runs(connection, sink.name, rows)
        return [_claim(row, now, runs.get(row.id, ())) for row in sorted(rows, key=lambda row: row.id)]

    def settle(self, sink: str, settled: Sequence[Settlement], began: float, now: float) -> None:
        """Record what happened, and do what was decided; a claim that was lost meanwhile changes nothing."""
        final = {one.claim.parcel.lane for one in settled if one.is_final} - {None}
        with self._database.writing() as connection:
            connection.execute(insert(attempts), [_attempt(one, one.claim.id, began, now) for one in settled])
            if final:
                lanes.enter(connection, {(sink, lane) for lane in final if lane is not None})
                settled = _still_ours(connection, settled)
                _settle_followers(connection, settled, began, now)
            if settled:
                connection.execute(_SETTLE, [_settled(one, now) for one in settled])
            ended = {one.claim.parcel.lane for one in settled if one.is_final and one.claim.parcel.lane is not None}
            if ended:
                lanes.advance(connection, sink, {lane for lane in ended if lane is not None}, now)
            self._pause(connection, sink, settled)

    def pause(self, sink: str, now: float) -> float:
        """Seconds for which nobody may call ``sink``."""
        until = select(sinks.c.paused_until).where(sinks.c.name == sink)
        with self._database.reading() as connection:
            return max(0.0, (connection.execute(until).scalar() or 0.0) - now)

    def reserve(self, sink: str, interval: float, now: float) -> float:
        """Take the next free moment to call ``sink``, when calls are to be ``interval`` seconds apart, from everywhere.

        Returns:
            The seconds to wait for it.
        """
        insertion = self._database.insert(sinks)
        free = case((sinks.c.next_call_at > now, sinks.c.next_call_at), else_=now)
        statement = (
            insertion.values(name=sink, next_call_at=now + interval)
            .on_conflict_do_update(index_elements=["name"], set_={"next_call_at": free + interval})
            .returning(sinks.c.next_call_at)
        )
        with self._database.writing() as connection:
            following: float = connection.execute(statement).scalar_one()
        return max(0.0, following - interval - now)

    def _pause(self, connection: Connection, sink: str, settled: Sequence[Settlement]) -> None:
        pauses = [one for one in settled if one.decision.pause_until is not None]
        if not pauses:
            return
        latest = max(pauses, key=lambda one: one.decision.pause_until or 0.0)
        row = {"paused_until": latest.decision.pause_until, "reason": _reason(latest.outcome)}
        connection.execute(
            self._database.insert(sinks)
            .values(name=sink, **row)
            .on_conflict_do_update(index_elements=["name"], set_=row, where=sinks.c.paused_until < row["paused_until"])
        )


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
    return Claim(row.id, row.claims, row.event_id, now, tried, parcel, tuple(one.id for one in run))


def _still_ours(connection: Connection, settled: Sequence[Settlement]) -> list[Settlement]:
    """Those whose claim nobody has taken over."""
    rows = connection.execute(
        select(_columns.id, _columns.claims)
        .where(_columns.id.in_([one.claim.id for one in settled]))
        .order_by(_columns.id)
        .with_for_update()
    )
    numbers = {row.id: row.claims for row in rows}
    return [one for one in settled if numbers.get(one.claim.id) == one.claim.number]


def _settle_followers(connection: Connection, settled: Sequence[Settlement], began: float, now: float) -> None:
    followers = [(one, follower) for one in settled if one.is_final for follower in one.claim.followers]
    if followers:
        connection.execute(
            _SETTLE_FOLLOWER,
            [
                {"follower": follower, "number": one.claim.number, "fate": one.decision.fate, "settled": now}
                for one, follower in followers
            ],
        )
        connection.execute(insert(attempts), [_attempt(one, follower, began, now) for one, follower in followers])


def _settled(one: Settlement, now: float) -> Mapping[str, Any]:
    return {
        "claimed": one.claim.id,
        "number": one.claim.number,
        "fate": one.decision.fate,
        "due": one.decision.due_at,
        "tries": one.decision.attempts,
        "doubt": _doubt(one),
        "settled": now if one.is_final else None,
        "alone": one.decision.alone,
    }


def _doubt(one: Settlement) -> float | None:
    """Since when nobody knows whether it was taken; a claim is a doubt until its outcome is recorded."""
    if one.is_final:
        return None
    # Before it was sent again it was looked up, so a new doubt begins with this claim.
    return one.claim.at if one.outcome.happened is Happened.UNKNOWN else one.claim.parcel.in_doubt_since


def _attempt(one: Settlement, delivery_id: int, began: float, now: float) -> Mapping[str, Any]:
    return {
        "delivery_id": delivery_id,
        "claim": one.claim.number,
        "at": began,
        "seconds": now - began,
        "outcome": one.outcome.happened,
        "code": one.outcome.code,
        "detail": storable(one.outcome.detail[:RESPONSE_LENGTH]),
    }


def _reason(outcome: Outcome) -> str:
    return f"{outcome.happened} ({outcome.code})" if outcome.code else outcome.happened
