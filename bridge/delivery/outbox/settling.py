"""Settling: recording of outcomes, and execution of decisions."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Connection, bindparam, case, null, or_, select, update

from bridge.delivery import lanes
from bridge.delivery.counts import tallies
from bridge.delivery.counts.tallies import Tally
from bridge.delivery.database.tables import deliveries
from bridge.delivery.outbox import records
from bridge.delivery.outbox.claims import Claim
from bridge.delivery.outbox.records import Record
from bridge.delivery.rules import causes
from bridge.delivery.rules.retry import Decision, Fate
from bridge.delivery.rules.sink import RESPONSE_LENGTH, Happened, Outcome
from bridge.directions import key_of_sink


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of a claimed delivery, and the decision on it."""

    claim: Claim
    outcome: Outcome
    decision: Decision

    @property
    def is_final(self) -> bool:
        """Whether the delivery will not be sent again."""
        return self.decision.fate is not Fate.WAITING

    @property
    def needs_row(self) -> bool:
        """Whether ``attempts`` gets a row.

        A success without a note is recorded in the delivery itself. What was not sent, or has no result yet, is no
        attempt.
        """
        if self.outcome.happened in (Happened.UNTRIED, Happened.PROCESSING):
            return False
        return self.decision.fate is not Fate.DELIVERED or bool(self.outcome.note)

    @property
    def cause(self) -> str | None:
        """Cause for which it is not delivered."""
        return None if self.decision.fate is Fate.DELIVERED else causes.of_outcome(self.outcome)


class _Settled(NamedTuple):
    """The record of a delivery whose claim still has that number."""

    number: int
    fate: Fate
    due: float
    tries: int
    doubt: float | None
    settled: float | None
    why: str | None
    alone: bool
    job: str | None
    job_since: float | None
    held: bool | None
    status_code: int | None
    took: float | None


_columns = deliveries.c

_SETTLE = (
    update(deliveries)
    .where(_columns.id.in_(bindparam("claimed", expanding=True)), _columns.claims == bindparam("number"))
    .values(
        status=bindparam("fate"),
        lease_expires_at=None,
        code=bindparam("status_code"),
        seconds=bindparam("took"),
        due_at=bindparam("due"),
        attempts=bindparam("tries"),
        doubt_since=bindparam("doubt"),
        settled_at=bindparam("settled"),
        cause=bindparam("why"),
        never_merge=or_(_columns.never_merge, bindparam("alone", type_=Boolean)),
        merged_through=case((bindparam("alone", type_=Boolean), null()), else_=_columns.merged_through),
        job=bindparam("job"),
        job_since=bindparam("job_since"),
        held_up=bindparam("held", type_=Boolean),
    )
)

_SETTLE_FOLLOWER = (
    update(deliveries)
    .where(_columns.id == bindparam("follower"), _columns.status == Fate.QUEUED)
    .values(
        status=bindparam("fate"),
        claims=bindparam("number"),
        attempts=1,
        settled_at=bindparam("settled"),
        cause=bindparam("why"),
        code=bindparam("status_code"),
        seconds=bindparam("took"),
    )
)


def settle(connection: Connection, sink: str, settled: Sequence[Settlement], began: float, now: float) -> None:
    """Record outcomes and execute decisions.

    A settlement of a lost claim changes nothing.
    """
    every = settled
    if final := _final_lanes(settled):
        lanes.enter(connection, {(sink, lane) for lane in final})
        settled = _still_ours(connection, settled)
        _settle_followers(connection, settled, began, now)
    if settled:
        changed = sum(connection.execute(_SETTLE, alike).rowcount for alike in _alike(settled, began, now))
        settled = settled if changed == len(settled) else _still_ours(connection, settled)
    if ended := _final_lanes(settled):
        lanes.advance(connection, sink, ended, now)
    ours = {one.claim.id for one in settled}
    recorded = [one for one in every if one.needs_row or one.claim.id not in ours]
    records.keep(connection, [_attempt(one, one.claim.id, began, now) for one in recorded], now)
    _count(connection, sink, settled, now)


def _count(connection: Connection, sink: str, settled: Sequence[Settlement], now: float) -> None:
    durations = [(now, now - at) for one in settled if one.decision.fate is Fate.DELIVERED for at in _received_at(one)]
    tallies.add_latencies(connection, sink, durations)
    tallies.add(connection, Counter(tally for one in settled for tally in _tallies(sink, one, now)))


def _tallies(sink: str, one: Settlement, now: float) -> Iterator[Tally]:
    when, direction, cause = tallies.bucket(now), key_of_sink(sink), one.cause or ""
    if one.is_final:
        for event in (one.claim.event, *(follower.event for follower in one.claim.followers)):
            yield Tally(when, direction, event, one.decision.fate, cause)
    elif one.decision.attempts > one.claim.tried.attempts:
        yield Tally(when, direction, one.claim.event, tallies.RETRIED, cause)


def _received_at(one: Settlement) -> Iterator[float]:
    yield one.claim.tried.created_at
    yield from (follower.created_at for follower in one.claim.followers)


def _final_lanes(settled: Sequence[Settlement]) -> set[str]:
    return {one.claim.parcel.lane for one in settled if one.is_final and one.claim.parcel.lane is not None}


def _still_ours(connection: Connection, settled: Sequence[Settlement]) -> list[Settlement]:
    """Return the settlements whose claims are still valid."""
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
                {
                    "follower": follower.id,
                    "number": one.claim.number,
                    "fate": one.decision.fate,
                    "settled": now,
                    "why": one.cause,
                    **_success(one, began, now),
                }
                for one, follower in followers
            ],
        )
        recorded = [(one, follower) for one, follower in followers if one.needs_row]
        records.keep(connection, [_attempt(one, follower.id, began, now) for one, follower in recorded], now)


def _alike(settled: Sequence[Settlement], began: float, now: float) -> Iterator[Mapping[str, Any]]:
    """Return what several settlements have in common.

    It is the same for all deliveries of a batch that was delivered.
    """
    claimed: dict[_Settled, list[int]] = defaultdict(list)
    for one in settled:
        claimed[_settled(one, began, now)].append(one.claim.id)
    for values, ids in claimed.items():
        yield {**values._asdict(), "claimed": ids}


def _success(one: Settlement, began: float, now: float) -> dict[str, Any]:
    """Return code and duration of the call that delivered it."""
    is_delivered = one.decision.fate is Fate.DELIVERED
    return {"status_code": one.outcome.code if is_delivered else None, "took": now - began if is_delivered else None}


def _settled(one: Settlement, began: float, now: float) -> _Settled:
    return _Settled(
        number=one.claim.number,
        fate=one.decision.fate,
        due=one.decision.due_at,
        tries=one.decision.attempts,
        doubt=_doubt(one),
        settled=now if one.is_final else None,
        why=one.cause,
        alone=one.decision.alone,
        job=one.outcome.job.id if one.outcome.job else None,
        job_since=one.outcome.job.since if one.outcome.job else None,
        held=one.decision.held_up or None,
        **_success(one, began, now),
    )


def _doubt(one: Settlement) -> float | None:
    """Return since when the outcome of the delivery is unknown."""
    if one.is_final:
        return None
    if one.outcome.happened is Happened.PROCESSING:
        return one.claim.parcel.in_doubt_since or one.claim.at
    # It was looked up before this attempt, so a new doubt begins with this claim.
    return one.claim.at if one.outcome.happened is Happened.UNKNOWN else one.claim.parcel.in_doubt_since


def _attempt(one: Settlement, delivery_id: int, began: float, now: float) -> Record:
    row = {
        "delivery_id": delivery_id,
        "claim": one.claim.number,
        "at": began,
        "seconds": now - began,
        "outcome": one.outcome.happened,
        "code": one.outcome.code,
        "detail": one.outcome.detail[:RESPONSE_LENGTH],
    }
    return Record(row, is_last=one.is_final)
