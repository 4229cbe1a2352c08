"""Problems that need an operator: silence, refusals, pauses, a missing worker."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from bridge.delivery.counts.tallies import BUCKET_SECONDS, REFUSED, bucket, width
from bridge.delivery.database.tables import tallies
from bridge.delivery.inbox import QueueState, queues
from bridge.delivery.outbox import SinkState
from bridge.delivery.rules.presence import ALIVE_SECONDS
from bridge.delivery.rules.sink import Happened
from bridge.directions import DIRECTIONS
from bridge.messages import Status
from bridge.operations.monitoring.silence import Interval, silence

SILENT, REFUSING, PAUSED, UNMANNED, UNTRANSLATED = "silent", "refusing", "paused", "no worker", "translation"
"""Kinds of concern."""

_IN_USE_SECONDS = 7 * 86_400.0
"""Seconds since the last beat of a worker after which a direction is unused."""

_RECENT = 3
"""Intervals, with the present one, in which only refusals are a concern."""

_REFUSALS = 3
"""Refusals from which on they are a concern."""

_REFUSED: ColumnElement[str] = literal_column(f"'{REFUSED}'")


@dataclass(frozen=True, slots=True)
class Concern:
    """One problem that needs an operator.

    Attributes:
        kind: ``silent``, ``refusing``, ``paused``, ``no worker`` or ``translation``.
        text: the problem, and what to check.
        since: epoch seconds, or None if that is not known.
    """

    kind: str
    direction: str
    text: str
    since: float | None


def concerns(
    connection: Connection, sinks: Sequence[SinkState], queue_states: Sequence[QueueState], now: float
) -> tuple[Concern, ...]:
    """Return all concerns.

    An unused direction has none, unless messages of it wait for translation.
    """
    beats = {state.name: state for state in sinks}
    result: list[Concern] = []
    counts = _arrivals(connection)
    for direction in DIRECTIONS:
        if newest := queues.newest_pending(connection, direction):
            # A pending message has arrived, and is not counted yet.
            counts.setdefault(direction, {})[bucket(newest), False] = 1
    for direction, row in DIRECTIONS.items():
        state = beats.get(row.sink)
        if state and now - state.beat_at < _IN_USE_SECONDS:
            result += [*_arrival(counts.get(direction, {}), direction, now), *_sink(state, direction)]
        result += [one for queue in queue_states if queue.direction == direction for one in _queue(queue, now)]
    return tuple(result)


_Counts = dict[tuple[int, bool], int]
"""Requests by (interval, whether they were refused), in the order of intervals."""


def _arrivals(connection: Connection) -> dict[str, _Counts]:
    columns = tallies.c
    refused = (columns.what == _REFUSED).label("refused")
    statement = (
        select(columns.direction, columns.bucket, refused, func.sum(columns.count))
        .where(columns.what.in_([*Status, REFUSED]))
        .group_by(columns.direction, columns.bucket, refused)
        .order_by(columns.bucket)
    )
    by_direction: dict[str, _Counts] = {}
    for direction, at, is_refused, count in connection.execute(statement):
        by_direction.setdefault(direction, {})[at, bool(is_refused)] = int(count)
    return by_direction


def _arrival(counts: _Counts, direction: str, now: float) -> Iterator[Concern]:
    arrivals = dict.fromkeys(sorted(at for at, is_refused in counts if not is_refused))
    ever = arrivals.pop(0, ...) is None
    recent = range(bucket(now) - (_RECENT - 1) * BUCKET_SECONDS, bucket(now) + 1, BUCKET_SECONDS)
    refused = sum(counts.get((at, True), 0) for at in recent)
    if refused >= _REFUSALS and arrivals.keys().isdisjoint(recent):
        text = f"all of the last {refused} requests were refused: {DIRECTIONS[direction].sender_check}"
        yield Concern(REFUSING, direction, text, None)
    if quiet := silence([Interval(at, at + width(at, now)) for at in arrivals], ever=ever, now=now):
        yield Concern(SILENT, direction, _silent(quiet.since, quiet.usual, now), quiet.since or None)


def _silent(since: float, usual: float, now: float) -> str:
    how_long = f"for {_words(now - since)}, longer than usual (up to {_words(usual)})" if since else "for over a week"
    return f"nothing has arrived {how_long}: check that it is switched on at the sender"


def _sink(state: SinkState, direction: str) -> Iterator[Concern]:
    if state.state == PAUSED:
        check = f"; check {DIRECTIONS[direction].keys_check}" if state.reason.startswith(Happened.FORBIDDEN) else ""
        yield Concern(PAUSED, direction, f"deliveries to {state.name} are paused: {state.reason}{check}", None)
    if state.state == UNMANNED:
        yield Concern(UNMANNED, direction, f"no worker delivers to {state.name}", state.beat_at)


def _queue(state: QueueState, now: float) -> Iterator[Concern]:
    is_alive = now - state.beat_at <= ALIVE_SECONDS
    if (trouble := state.trouble(now)) and (state.pending or is_alive):
        since = None if state.oldest_seconds is None else now - state.oldest_seconds
        waiting = f"; {state.pending} pending" if state.pending else ""
        yield Concern(UNTRANSLATED, state.direction, f"{trouble}{waiting}", since)


def _words(seconds: float) -> str:
    """Write a duration, to the minute."""
    return str(timedelta(minutes=int(seconds // 60)))[:-3]
