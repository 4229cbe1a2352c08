"""Writing of translated events: one transaction for some hundred events."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, update

from bridge.delivery.counts import tallies
from bridge.delivery.counts.tallies import Tally, bucket
from bridge.delivery.database import tables
from bridge.delivery.database.rows import insert_new, insert_rows
from bridge.delivery.inbox import Round, Work, repeated, use_up
from bridge.delivery.outbox import Claim, Room, enqueue
from bridge.delivery.rules import causes
from bridge.errors import RoundLost, SeenMeanwhile
from bridge.messages import EventOutcome, Status
from bridge.translation.deciding import Decisions, Unit, sightings
from bridge.translation.replaying import Again, replay

_REPEATED = (
    update(tables.events).where(tables.events.c.id == bindparam("repeated")).values(repeats=tables.events.c.repeats + 1)
)


@dataclass(frozen=True, slots=True)
class Step:
    """A translated or replayed event, and the round's progress after it.

    Attributes:
        work: what remains of the round.
        done: events of the first message of ``work`` that are written.
        held: bytes in memory that end with it.
    """

    one: Unit | Again
    work: tuple[Work, ...]
    done: int
    held: int = 0

    @property
    def size(self) -> int:
        """Number of rows that it may write."""
        deliveries = self.one.made if isinstance(self.one, Unit) else ()
        return 1 + len(deliveries)


@dataclass(frozen=True, slots=True)
class Draft:
    """Decisions on a batch of events, made before the transaction begins.

    While a transaction is open on SQLite, no other can write.

    Attributes:
        kept: the outcomes of the new events.
        marks: keys of marks that the transaction uses up.
    """

    steps: Sequence[Step]
    decisions: Decisions
    kept: Sequence[EventOutcome]
    marks: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Result of a transaction.

    Attributes:
        round: its present state.
        outcomes: one per step.
        claims: by sink, deliveries that are ``sending``, for its worker.
    """

    round: Round
    outcomes: Sequence[EventOutcome | str]
    claims: Mapping[str, Sequence[Claim]]


def decide(connection: Connection, steps: Sequence[Step], now: float) -> Draft:
    """Decide what the new events of ``steps`` are, by the keys seen and marked.

    ``now`` is in epoch seconds.
    """
    units = [step.one for step in steps if isinstance(step.one, Unit)]
    marked = repeated(connection, {unit.message.id: unit.message for unit in units}.values(), now)
    decisions = Decisions(sightings(connection, [mark for unit in units for mark in unit.marks]), dict(marked.values()))
    kept = [decisions.decide(unit) for unit in units]
    # In the order of their keys everywhere, so that two translators cannot deadlock.
    decisions.seen.sort(key=lambda row: row["key"])
    unfinished = steps[-1].work[:1]
    used_up = [key for key, (message_id, _) in marked.items() if message_id not in unfinished]
    return Draft(steps, decisions, kept, used_up)


def write(connection: Connection, current: Round, decided: Draft, rooms: Mapping[str, Room], now: float) -> WriteResult:
    """Write the decisions, and move the round ``taken`` forward.

    Args:
        rooms: by sink, the deliveries that its worker in this process can begin soon.
        now: epoch seconds on the database's clock.

    Raises:
        RoundLost, SeenMeanwhile: the transaction must be rolled back.
    """
    steps, decisions = decided.steps, decided.decisions
    moved = current.move(connection, steps[-1].work, steps[-1].done, now)
    if moved is None:
        raise RoundLost
    if decided.marks and not use_up(connection, decided.marks):
        raise SeenMeanwhile
    insert_rows(connection, tables.events, decisions.events)
    claims = enqueue(connection, [(one.row, one.payload) for one in decisions.deliveries], rooms, now)
    if insert_new(connection, tables.seen, decisions.seen) < len(decisions.seen):
        raise SeenMeanwhile
    if decisions.repeats:
        insert_new(connection, tables.repeats, decisions.repeats)
        first_ids = sorted(row["event_id"] for row in decisions.repeats)
        connection.execute(_REPEATED, [{"repeated": first} for first in first_ids])
    again = [replay(connection, step.one, now) for step in steps if isinstance(step.one, Again)]
    units = [step.one for step in steps if isinstance(step.one, Unit)]
    tallies.add(connection, Counter(map(_tally, units, decided.kept)))
    fresh, replayed = iter(decided.kept), iter(again)
    outcomes = [next(fresh) if isinstance(step.one, Unit) else next(replayed) for step in steps]
    return WriteResult(moved, outcomes, claims)


def _tally(unit: Unit, outcome: EventOutcome) -> Tally:
    cause = causes.of_reason(outcome.reason) if outcome.status is Status.QUARANTINED else ""
    return Tally(bucket(unit.message.at), unit.message.direction, outcome.event, outcome.status, cause)
