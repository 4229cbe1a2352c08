"""Translator of one queue: it takes, translates and writes rounds in a loop."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import Round, Taker, queues, take_over
from bridge.delivery.outbox import Worker
from bridge.delivery.process.duty import Duty
from bridge.errors import InvalidMappings, RoundLost, SeenMeanwhile, StoreUnavailable
from bridge.logs import Sparing
from bridge.loop import Pace, repeat
from bridge.messages import RAW_EVENTS, EventOutcome, Status
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.translation.deciding import Unit
from bridge.translation.refused import is_about_data, is_refused, refused
from bridge.translation.replaying import Again
from bridge.translation.stepping import Rules, Stepper
from bridge.translation.writing import Step, WriteResult, decide, write

BEAT_SECONDS = 0.25
"""Seconds between two reads of an empty inbox; a bell shortens them."""

OTHERS_SECONDS = 0.5
"""Seconds between two searches for rounds of dead holders."""

STATE_SECONDS = 1.0
"""Seconds between two reads of whether the translation is paused."""

STUCK_SECONDS = 30.0
"""Seconds without progress after which a translator is stuck."""

MOST_WRITTEN = 250
"""Events and deliveries of one writing transaction.

SQLite's lock is held for some 10 ms.
"""

MOST_HELD = 8_000_000
"""Bytes of messages and payloads that wait in memory for one writing transaction."""

MOST_ALONE = 2 * MOST_WRITTEN
"""Events of a round that was taken over, which are written alone.

The event that ended its process was among ``MOST_WRITTEN``, or directly behind them. A batch of thousands alone would
take minutes, and its queue would wait.
"""

SAME_FAULTS = 50
"""Errors in a row at one place in the code that are a fault of the code."""

MOST_RACES = 5
"""Lost races in a row against other translators, before it is an error."""

_NAME_LENGTH = 100

_log = structlog.get_logger("bridge.translator")


class Translator:
    """A thread that translates the messages of one queue.

    Any number may run, in any number of processes.

    Args:
        duty: names this process in its rounds, and knows which holders have ended.
        rules: those of raw events.
        workers: those of this process, by sink.
    """

    patience = 15.0

    def __init__(
        self,
        database: Database,
        queue: str,
        duty: Duty,
        rules: Rules,
        workers: Mapping[str, Worker],
    ) -> None:
        self.queue = queue
        self.name = f"translate-{queue}"
        self.wake = threading.Event()
        self._database = database
        self._duty = duty
        self._mappings = rules.mappings
        self._workers = workers
        self._taker = Taker(database, queue)
        self._stepper = Stepper(database, rules)
        self._stop = threading.Event()
        self._complaints = Sparing()
        self._moved_at = time.monotonic()
        self._looked_at = self._asked_at = float("-inf")
        self._is_paused = False
        self._round: Round | None = None
        self._faults = ("", 0)
        self._problem = ""

    @property
    def moves(self) -> bool:
        """Whether it has lately translated an event, or read the inbox."""
        return time.monotonic() - self._moved_at < STUCK_SECONDS

    @property
    def problem(self) -> str:
        """Why it translates nothing, or only with errors; "" if there is no problem."""
        place, times = self._faults
        if times >= SAME_FAULTS:
            return (
                f"the last {times} events raised at {place}: update the bridge, then run"
                " `bridge replay --status quarantined`"
            )
        return self._problem

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, then release the current round."""
        self._stop = stop
        repeat(self.step, stop, Pace(BEAT_SECONDS, wake=self.wake), "translator", self._give_up, queue=self.queue)

    def _give_up(self) -> None:
        """Leave the round after an unexpected error: it is taken over when its lease ends, its messages alone."""
        self._round = None

    def step(self) -> bool:
        """Take and translate one round, and return whether there was one.

        Raises:
            StoreUnavailable: the database does not answer. What is not written is translated again.
        """
        self._moved_at = time.monotonic()
        if self._paused():
            return False
        mappings = self._usable_mappings()
        if mappings is None:
            return False
        # A current round remains current through an outage of the database.
        self._round = self._resumed() or self._others() or self._taker.take(self._duty.holder)
        if self._round is None:
            return False
        self._translate(self._round, mappings)
        return True

    def _resumed(self) -> Round | None:
        """Return the round that was in progress when the database failed.

        Its progress is read again, since the commit may have happened.
        """
        if self._round is None:
            return None
        with self._database.reading() as connection:
            return self._round.resume(connection)

    def _paused(self) -> bool:
        now = time.monotonic()
        if now - self._asked_at >= STATE_SECONDS:
            self._asked_at = now
            with self._database.reading() as connection:
                self._is_paused = queues.is_paused(connection, self.queue, time.time())
        return self._is_paused

    def _usable_mappings(self) -> Mappings | None:
        """Return the mappings in force.

        None if their file is wrong: raw events wait until it is right.
        """
        if self.queue != RAW_EVENTS:
            return ()
        try:
            mappings = self._mappings()
        except InvalidMappings as error:
            self._problem = f"the mapping file is wrong, raw events wait: {str(error).splitlines()[0]}"
            self._complain("mapping file wrong", self._problem)
            return None
        self._problem = ""
        return mappings

    def _others(self) -> Round | None:
        now = time.monotonic()
        if now - self._looked_at < OTHERS_SECONDS:
            return None
        self._looked_at = now
        found = take_over(self._database, self.queue, self._duty.holder, self._duty.is_dead)
        if found:
            _log.warning("round taken over", queue=self.queue, messages=len(found.work), begun=found.begun)
        return found

    def _translate(self, current: Round, mappings: Mappings) -> None:
        """Translate and write the round step by step, until its end or a stop."""
        poison = self._stepper.poison(current)
        now = self._write(current, [poison]) if poison else current
        steps: list[Step] = []
        size = held = 0
        for count, step in enumerate(self._stepper.steps(now, mappings) if now else (), 1):
            self._note_fault(step)
            steps.append(step)
            size, held = size + step.size, held + step.held
            self._moved_at = time.monotonic()
            if now and (size >= MOST_WRITTEN or held >= MOST_HELD or now.is_alone):
                now, steps, size, held = self._write(now, steps), [], 0, 0
                if now is None or self._stop.is_set():
                    break
                if count >= MOST_ALONE:
                    now = replace(now, begun=0)
        else:
            now = self._write(now, steps) if now and steps else now
            if now and now.work:  # the last message has no event: an empty batch, or deleted by retention
                with self._database.writing(hasty=True) as connection:
                    now.move(connection, (), 0, self._database.now(connection))
        self._round = None
        if now and now.work and self._stop.is_set():
            with self._database.writing(hasty=True) as connection:
                now.release(connection)

    def _note_fault(self, step: Step) -> None:
        if isinstance(step.one, Unit):
            (place, times), fault = self._faults, step.one.event.fault
            self._faults = (fault, times + 1 if fault == place else 1) if fault else ("", 0)

    def _write(self, current: Round, steps: Sequence[Step]) -> Round | None:
        """Write ``steps``, in halves if the database refuses the data.

        None if the round was lost.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        try:
            written = self._written(current, steps)
        except RoundLost:
            _log.warning("round lost", queue=self.queue, begun=current.begun)
            self._round = None
            return None
        except StoreUnavailable as error:
            if not is_about_data(error) or is_refused(steps):
                raise
            return self._write_in_halves(current, steps)
        for sink, claims in written.claims.items():
            self._workers[sink].hand(claims)
        for step, outcome in zip(steps, written.outcomes, strict=True):
            self._report(step, outcome)
        self._round = written.round if written.round.work else None
        return written.round

    def _written(self, current: Round, steps: Sequence[Step]) -> WriteResult:
        for _ in range(MOST_RACES):
            with self._database.reading() as connection:
                decided = decide(connection, steps, time.time())
            rooms = {name: worker.room() for name, worker in self._workers.items()}
            with suppress(SeenMeanwhile), self._database.writing(hasty=True) as connection:
                return write(connection, current, decided, rooms, self._database.now(connection))
        raise StoreUnavailable("other translators write the same keys repeatedly")

    def _write_in_halves(self, current: Round, steps: Sequence[Step]) -> Round | None:
        if len(steps) == 1:
            return self._write(current, [refused(steps[0])])
        half = len(steps) // 2
        moved = self._write(current, steps[:half])
        return self._write(moved, steps[half:]) if moved else None

    def _report(self, step: Step, outcome: EventOutcome | str) -> None:
        if isinstance(outcome, str) or isinstance(step.one, Again):
            return
        message = step.one.message
        is_trouble = outcome.status is Status.QUARANTINED or (outcome.status is Status.ACCEPTED and outcome.reason)
        (_log.warning if is_trouble else _log.info)(
            "translated",
            direction=message.direction,
            event_name=outcome.event[:_NAME_LENGTH],
            status=outcome.status,
            reason=outcome.reason or None,
            event_id=step.one.event.id,
            request_id=message.request_id,
        )

    def _complain(self, text: str, reason: str) -> None:
        if times := self._complaints.admits(text):
            _log.error(text, queue=self.queue, reason=reason, times=times)
