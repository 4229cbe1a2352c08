"""What must go out: claimed for a while, and settled by whoever still holds the claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, insert, literal_column, or_, select, update

from bridge.delivery.database import Database
from bridge.delivery.retry import Decision, Fate, Tried
from bridge.delivery.sink import RESPONSE_LENGTH, Outcome, Sink
from bridge.delivery.store import unpack
from bridge.delivery.tables import attempts, deliveries, sinks
from bridge.wire import storable


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker, and no other, may send until the lease ends.

    Attributes:
        number: the fencing token. A later claim has a higher one, and then this one settles nothing any more.
    """

    id: int
    number: int
    event_id: str
    tried: Tried
    payload: bytes


@dataclass(frozen=True, slots=True)
class Settlement:
    """What happened to a claimed delivery, and what follows."""

    claim: Claim
    outcome: Outcome
    decision: Decision


_SETTLE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("claimed"), deliveries.c.claims == bindparam("number"))
    .values(
        status=bindparam("fate"), due_at=bindparam("due"), attempts=bindparam("tries"), settled_at=bindparam("settled")
    )
)


# Written out, as in the partial index that answers it: with a parameter SQLite would not use the index.
_WAITING = deliveries.c.status == literal_column(f"'{Fate.WAITING}'")


class Outbox:
    """The deliveries of all sinks, shared by all workers of all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_due(self, sink: str, now: float) -> bool:
        """Whether there is anything to send: a cheap question, which may be asked often."""
        with self._database.reading() as connection:
            return connection.execute(_due(sink, now).limit(1)).first() is not None

    def claim(self, sink: Sink, now: float, lease: float) -> list[Claim]:
        """Take what is due longest, as much as ``sink`` takes at once, for ``lease`` seconds."""
        columns = deliveries.c
        oldest = _due(sink.name, now).order_by(columns.due_at, columns.id).limit(sink.max_count).subquery()
        total = func.sum(oldest.c.size).over(order_by=(oldest.c.due_at, oldest.c.id))
        sized = select(oldest.c.id, oldest.c.size, total.label("total")).subquery()
        is_first = sized.c.total == sized.c.size  # and goes, whatever its size
        # Due is asked once more where the rows are locked: meanwhile another worker may have claimed them.
        mine = (
            _due(sink.name, now)
            .with_only_columns(columns.id)
            .where(columns.id.in_(select(sized.c.id).where(or_(sized.c.total <= sink.max_bytes, is_first))))
            .with_for_update(skip_locked=True)
        )
        take = (
            update(deliveries)
            .where(columns.id.in_(mine))
            .values(due_at=now + lease, claims=columns.claims + 1)
            .returning(
                columns.id, columns.claims, columns.event_id, columns.attempts, columns.created_at, columns.payload
            )
        )
        with self._database.writing() as connection:
            rows = connection.execute(take).all()
        return [
            Claim(row.id, row.claims, row.event_id, Tried(row.attempts, row.created_at), unpack(row.payload))
            for row in sorted(rows, key=lambda row: row.id)
        ]

    def settle(self, sink: str, settled: Sequence[Settlement], began: float, now: float) -> None:
        """Record what happened, and do what was decided; a claim that was lost meanwhile changes nothing."""
        with self._database.writing() as connection:
            connection.execute(_SETTLE, [_settled(one, now) for one in settled])
            connection.execute(insert(attempts), [_attempt(one, began, now) for one in settled])
            pauses = [one for one in settled if one.decision.pause_until is not None]
            if pauses:
                latest = max(pauses, key=lambda one: one.decision.pause_until or 0.0)
                row = {"paused_until": latest.decision.pause_until, "reason": _reason(latest.outcome)}
                statement = self._database.insert(sinks).values(name=sink, **row)
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["name"], set_=row, where=sinks.c.paused_until < row["paused_until"]
                    )
                )


def _due(sink: str, now: float) -> Select[Any]:
    paused = exists().where(sinks.c.name == sink, sinks.c.paused_until > now)
    columns = deliveries.c
    return select(columns.id, columns.due_at, columns.size).where(
        columns.sink == sink, _WAITING, columns.due_at <= now, ~paused
    )


def _settled(one: Settlement, now: float) -> dict[str, Any]:
    decision = one.decision
    return {
        "claimed": one.claim.id,
        "number": one.claim.number,
        "fate": decision.fate,
        "due": decision.due_at,
        "tries": decision.attempts,
        "settled": None if decision.fate is Fate.WAITING else now,
    }


def _attempt(one: Settlement, began: float, now: float) -> dict[str, Any]:
    return {
        "delivery_id": one.claim.id,
        "claim": one.claim.number,
        "at": began,
        "seconds": now - began,
        "outcome": one.outcome.happened,
        "code": one.outcome.code,
        "detail": storable(one.outcome.detail[:RESPONSE_LENGTH]),
    }


def _reason(outcome: Outcome) -> str:
    return f"{outcome.happened} ({outcome.code})" if outcome.code else outcome.happened
