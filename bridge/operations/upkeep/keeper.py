"""Upkeep in every process, every few seconds, beside the deliveries.

The keeper records the beats of its process's workers, stores the counts of refused requests, and checks whether the
process can work. It runs periodic jobs, each in one process at a time: deleting old rows, folding counts, logging
concerns. It writes between other writers, never before them. A job that fails is repeated in the next round.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from bridge.delivery.audit import sweep_records
from bridge.delivery.counts.folding import fold
from bridge.delivery.counts.tallies import (
    BUCKET_SECONDS,
    ERROR,
    OF_THE_BRIDGE,
    REFUSED,
    Tally,
    add,
    bucket,
    errors_since,
)
from bridge.delivery.database.engine import Database, revision
from bridge.delivery.database.migrations import HEAD
from bridge.delivery.inbox import QueueState, queues
from bridge.delivery.outbox import sink_states
from bridge.delivery.rules.presence import ALIVE_SECONDS
from bridge.errors import StoreUnavailable
from bridge.logs import taken_unexpected
from bridge.loop import Pace, repeat
from bridge.operations.monitoring.concerns import PAUSED, REFUSING, SILENT, UNMANNED, concerns
from bridge.operations.monitoring.health import DATABASE, ERRORS, NOTHING, PAUSES, SCHEMA, TRANSLATION, WORKER, Report
from bridge.operations.monitoring.refusals import Refusals
from bridge.operations.upkeep import chores
from bridge.operations.upkeep.retention import (
    SEEN_SECONDS,
    sweep_events,
    sweep_messages,
    sweep_repeats,
    sweep_responses,
    sweep_seen,
)

BEAT = 3.0
"""Seconds between two rounds."""

FIRST = 0.25
"""Seconds before the first round.

A process that is about to fork has no work yet.
"""

SWEEPING = 2.0
"""Seconds of a round for deleting old rows."""

RESTING = 4.0
"""Factor of a step's duration until the next step.

Other writers get four fifths of the time.
"""

MINUTE, HOUR = 60.0, 3600.0

MANY_ERRORS = 3
"""Unexpected errors within minutes that are a problem."""

_TOLD = (SILENT, REFUSING, UNMANNED)
"""Concerns that are logged every hour.

The worker of a sink logs its pause.
"""

_log = structlog.get_logger("bridge.keeper")

Sweep = Callable[[Connection, str, float], str]


@dataclass(frozen=True, slots=True)
class House:
    """What the keeper of a process looks after.

    Attributes:
        sinks: those that must have a worker in some process.
        delivering: returns those that have a worker in this process.
        refusals: requests that this process has refused.
        retention: seconds until settled events are deleted.
        translating: by queue, the problem of its translator in this process, or "".
        queues: those that must have a translator in some process.
    """

    sinks: Collection[str]
    delivering: Callable[[], Sequence[str]]
    refusals: Refusals
    retention: float
    translating: Callable[[], Mapping[str, str]] = dict
    queues: Collection[str] = ()


class Keeper:
    """The upkeep of one process."""

    name = "keeper"
    patience = 10.0

    def __init__(
        self, database: Database, house: House, clock: Callable[[], float] = time.time, rest: float = RESTING
    ) -> None:
        self._database = database
        self._house = house
        self._clock = clock
        self._rest = rest
        self._found = NOTHING

    def problems(self) -> Mapping[str, str | None]:
        """Problems of this process by check; None where there is none."""
        return self._found.problems(time.monotonic())

    def run(self, stop: threading.Event) -> None:
        """Do a round every few seconds, until ``stop`` is set."""

        def step() -> bool:
            self.round(stop)
            return False

        repeat(step, stop, Pace(BEAT, FIRST), "keeper")

    def round(self, stop: threading.Event) -> None:
        """Run one round.

        Raises:
            StoreUnavailable: the database cannot be used; the next round repeats the rest.
        """
        self._beat()
        now, house = self._clock(), self._house
        self._sweep("remove events", sweep_events, now - house.retention, stop)
        self._sweep("remove repeats", sweep_repeats, now - house.retention, stop)
        self._sweep("remove messages", sweep_messages, now - house.retention, stop)
        self._sweep("remove responses", sweep_responses, now - 2 * HOUR, stop)
        self._sweep("forget keys", sweep_seen, now - SEEN_SECONDS, stop)
        self._sweep("forget records", sweep_records, now - SEEN_SECONDS, stop)
        if self._is_mine("fold counts", HOUR / 2, now):
            with self._database.writing() as connection:
                fold(connection, now)
        if self._is_mine("look for concerns", MINUTE, now):
            self._tell(now)

    def _beat(self) -> None:
        """Write the beats, which proves that the database can be written."""
        refused, errors = self._house.refusals.take(), taken_unexpected()
        now = self._clock()
        try:
            with self._database.writing() as connection:
                schema = revision(connection)
                chores.touch(connection, "write", now)
                sink_states.beat(connection, self._house.delivering(), now)
                queues.beat(connection, self._house.translating(), now)
                counted = {Tally(bucket(now), one, "", REFUSED): count for one, count in refused.items()}
                counted |= {Tally(bucket(now), OF_THE_BRIDGE, one, ERROR): count for one, count in errors.items()}
                add(connection, counted)
                recent = errors_since(connection, bucket(now - BUCKET_SECONDS))
            with self._database.reading() as connection:
                states = {state.name: state for state in sink_states.states(connection, now)}
                by_queue = {state.queue: state for state in queues.states(connection, now)}
        except StoreUnavailable as error:
            self._house.refusals.give_back(refused)
            self._found = Report(time.monotonic(), {**self._found.wrong, DATABASE: str(error)})
            raise
        idle = [one for one in self._house.sinks if one not in states or now - states[one].beat_at > ALIVE_SECONDS]
        wrong = {
            DATABASE: None,
            SCHEMA: None if schema == HEAD else f"is {schema}, and this code works with {HEAD}",
            WORKER: f"no worker delivers to {' and '.join(sorted(idle))}" if idle else None,
            TRANSLATION: self._translation(by_queue, now),
            ERRORS: f"{recent} unexpected errors within minutes: see the log" if recent >= MANY_ERRORS else None,
            PAUSES: "; ".join(f"{one.name}: {one.reason}" for one in states.values() if one.state == PAUSED) or None,
        }
        self._found = Report(time.monotonic(), wrong)

    def _translation(self, by_queue: Mapping[str, QueueState], now: float) -> str | None:
        troubles = [by_queue[queue].trouble(now) for queue in self._house.queues]
        return "; ".join(filter(None, troubles)) or None

    def _is_mine(self, chore: str, every: float, now: float) -> bool:
        with self._database.reading() as connection:
            if not chores.is_due(connection, chore, every, now):
                return False
        with self._database.writing() as connection:
            return chores.take(connection, chore, every, now)

    def _sweep(self, chore: str, sweep: Sweep, before: float, stop: threading.Event) -> None:
        """Delete old rows step by step, for the time of a round.

        The next process continues at the stored mark.
        """
        if not self._is_mine(chore, MINUTE, self._clock()):
            return
        ends = time.monotonic() + SWEEPING
        while True:
            began = time.monotonic()
            with self._database.writing() as connection:
                mark = sweep(connection, chores.mark(connection, chore), before)
                chores.leave(connection, chore, mark, again_at_once=bool(mark))
            now = time.monotonic()
            if not mark or now > ends or stop.wait(self._rest * (now - began)):
                return

    def _tell(self, now: float) -> None:
        with self._database.reading() as connection:
            current = concerns(connection, sink_states.states(connection, now), queues.states(connection, now), now)
        for one in current:
            if one.kind in _TOLD and self._is_mine(f"tell {one.kind} {one.direction}", HOUR, now):
                _log.error(one.kind, direction=one.direction, reason=one.text)
