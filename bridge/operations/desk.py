"""Actions of operators, each recorded in the transaction of the action."""

import time
from collections.abc import Callable

from sqlalchemy import Connection

from bridge.delivery.audit import Deed, has_recorded, record
from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import Wake, queues
from bridge.delivery.outbox import sink_states
from bridge.delivery.rules.presence import FOREVER
from bridge.directions import DIRECTIONS
from bridge.errors import Invalid
from bridge.operations import bulk_replay, discard, replay, sessions
from bridge.operations.history import Filter, Story, original, story
from bridge.prose import scrub

REPLAY_SECONDS = 10.0
"""Seconds that an operator waits for a replay's outcome."""

LOOK_SECONDS = 0.05

SEARCH_SECONDS = 3600.0
"""Seconds for which one record of a search stands for the same ones."""

WAITS = "waiting for a translator: see the event later"
"""Outcome of a replay that no translator has begun in that time."""


def pausable() -> tuple[str, ...]:
    """Return the names that an operator can pause: each sink, and the translation."""
    return (*(direction.sink for direction in DIRECTIONS.values()), queues.TRANSLATION)


class Desk:
    """Actions of an operator, from the console or the command line.

    Every method may raise StoreUnavailable: nothing was changed. With an event's id it may raise NoSuchEvent. The id of
    a duplicate stands for the event that it repeats.

    Args:
        wake: is rung when there is something to translate.
        clock: the time, in epoch seconds.
    """

    def __init__(self, database: Database, wake: Wake, clock: Callable[[], float]) -> None:
        self._database = database
        self._wake = wake
        self._clock = clock

    def original(self, event_id: str) -> str:
        """Return the event that a duplicate repeats, or ``event_id`` itself."""
        with self._database.reading() as connection:
            return original(connection, event_id)

    def replay(self, event_id: str, who: str, seconds: float = REPLAY_SECONDS) -> str:
        """Request a replay, and wait for it.

        Returns its outcome, or ``WAITS``.
        """
        with self._database.writing() as connection:
            audit_id = replay.ask(connection, original(connection, event_id), who, self._clock())
        self._wake.ring()
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with self._database.reading() as connection:
                became = replay.outcome(connection, audit_id)
            if became is not None:
                return became
            time.sleep(LOOK_SECONDS)
        return WAITS

    def pause(self, name: str, who: str, *, until: float = FOREVER) -> None:
        """Pause a sink, or the translation (``queues.TRANSLATION``); 0 resumes it.

        Raises:
            Invalid: there is no such name.
        """
        if name not in pausable():
            raise Invalid({"name": f"must be one of {', '.join(pausable())}"})
        with self._database.writing() as connection:
            if name == queues.TRANSLATION:
                queues.pause(connection, until)
            else:
                self._pause_sink(connection, name, until)
            record(connection, who, Deed.PAUSED if until else Deed.RESUMED, self._clock(), detail=name)
        self._wake.ring()

    def _pause_sink(self, connection: Connection, name: str, until: float) -> None:
        if until:
            sink_states.pause(connection, name, until)
        else:
            sink_states.resume(connection, name, self._clock())

    def discard(self, event_id: str, who: str) -> int:
        """Discard what is not delivered of an event, and return the number.

        Raises:
            InHand: a worker is sending or translating it.
        """
        with self._database.writing() as connection:
            now = self._clock()
            event_id = original(connection, event_id)
            given_up = discard.discard(connection, event_id, now)
            if given_up:
                record(connection, who, Deed.DISCARDED, now, event_id=event_id)
        return given_up

    def decide(self, event_id: str, who: str, *, again: bool) -> int:
        """Settle an event's uncertain deliveries, and return their number."""
        with self._database.writing() as connection:
            now = self._clock()
            event_id = story(connection, event_id).entry.id  # raises if there is none
            decided = replay.decide(connection, event_id, again=again, now=now)
            if decided:
                record(connection, who, Deed.SENT_AGAIN if again else Deed.MARKED, now, event_id=event_id)
        return decided

    def reveal(self, event_id: str, who: str) -> Story:
        """Return everything about an event, with customer data.

        The audit records it.
        """
        with self._database.writing() as connection:
            revealed = story(connection, event_id)
            record(connection, who, Deed.REVEALED, self._clock(), event_id=event_id)
        return revealed

    def search(self, wanted: Filter, who: str) -> Filter:
        """Return ``wanted``, and record it if it searches errors, which name persons.

        One record an hour, since a page refreshes itself. It names no person.
        """
        if wanted.error is not None:
            now, text = self._clock(), scrub(wanted.error)
            with self._database.writing() as connection:
                if not has_recorded(connection, who, Deed.SEARCHED, text, now - SEARCH_SECONDS):
                    record(connection, who, Deed.SEARCHED, now, detail=text)
        return wanted

    def begin_bulk_replay(self, wanted: Filter, who: str) -> str:
        """Begin a bulk replay, and return its id.

        Raises:
            Invalid: the filter asks for a status that it does not accept.
        """
        if wanted.status not in bulk_replay.REPLAYABLE:
            raise Invalid({"status": f"must be one of {', '.join(bulk_replay.REPLAYABLE)}"})
        with self._database.writing() as connection:
            now = self._clock()
            replay_id = bulk_replay.begin(connection, wanted, who, now)
            record(connection, who, Deed.BULK_BEGUN, now, detail=replay_id)
        return replay_id

    def stop_bulk_replay(self, replay_id: str, who: str) -> bool:
        """Stop a bulk replay after its current step.

        Returns whether it was running.
        """
        with self._database.writing() as connection:
            now = self._clock()
            bulk_replay.one(connection, replay_id)  # raises if there is none
            stopped = bulk_replay.stop(connection, replay_id, now)
            if stopped:
                record(connection, who, Deed.BULK_STOPPED, now, detail=replay_id)
        return stopped

    def sign_in(self, name: str, who: str) -> str:
        """Begin a session of the console, and return its id."""
        with self._database.writing() as connection:
            now = self._clock()
            record(connection, who, Deed.SIGNED_IN, now)
            return sessions.begin(connection, name, now)

    def sign_out(self, session_id: str, who: str) -> None:
        """End a session: its cookie is worth nothing any more."""
        with self._database.writing() as connection:
            sessions.end(connection, session_id)
            record(connection, who, Deed.SIGNED_OUT, self._clock())

    def signed_in(self, session_id: str) -> str | None:
        """Return the operator's name in a session, or None if it has ended."""
        with self._database.reading() as connection:
            return sessions.name_of(connection, session_id, self._clock())
