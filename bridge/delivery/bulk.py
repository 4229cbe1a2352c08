"""Bulk replay: all events that fit a filter, run again in the background, oldest first.

It is a row that says how far it has come. Whoever holds its lease takes it a step further, in one transaction with the
replays of that step: so it goes on where it was when its process is killed, in any other, and no event is run twice.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import OperationalError
from ulid import ULID

from bridge.delivery.database import Database
from bridge.delivery.replay import Translate, replay
from bridge.delivery.search import Filter, count, fitting
from bridge.delivery.tables import bulk_replays, events
from bridge.errors import NoSuchEvent, StoreUnavailable
from bridge.logs import Sparing

REPLAYABLE = ("quarantined", "dead", "ignored", "discarded")
"""Where events may stand that are replayed by the many; what is uncertain is decided one by one."""

MOST = 100_000
"""Events of one bulk replay: they are counted while somebody waits."""

STEP = 20
"""Events of one transaction: those that write meanwhile wait for it."""

LEASE = 5.0
"""Seconds after which one whose holder has gone is anybody's. Who is only slow holds the row, too."""

BEAT = 1.0
"""Seconds between two looks for one that is to go on."""

FAILED = "failed"
"""What became of one that could not even be run."""

_columns = bulk_replays.c
_log = structlog.get_logger("bridge.bulk")


class State(StrEnum):
    """Where a bulk replay stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BulkReplay:
    """A bulk replay. Times are epoch seconds.

    Attributes:
        total: how many events fitted when it was begun.
        done: how many have been run.
        became: how many of these became what.
    """

    id: str
    who: str
    at: float
    wanted: Filter
    total: int
    state: State
    done: int
    became: Mapping[str, int]
    ended_at: float | None


def begin(connection: Connection, wanted: Filter, who: str, now: float) -> str:
    """Begin one; its id. Events that come in later are not part of it."""
    replay_id, wanted = str(ULID.from_timestamp(now)), replace(wanted, before=None, after=None)
    newest = connection.execute(select(func.max(events.c.id))).scalar() or ""
    row = {
        "id": replay_id,
        "who": who,
        "at": now,
        "wanted": json.dumps({name: value for name, value in asdict(wanted).items() if value is not None}),
        "total": count(connection, wanted, MOST),
        "state": State.RUNNING,
        "mark": "",
        "up_to": newest,
    }
    connection.execute(insert(bulk_replays).values(row))
    return replay_id


def stop(connection: Connection, replay_id: str, now: float) -> bool:
    """Stop it after the step in hand. Returns whether it was running."""
    running = (_columns.id == replay_id, _columns.state == State.RUNNING)
    ended = {"state": State.STOPPED, "ended_at": now}
    return connection.execute(update(bulk_replays).where(*running).values(ended)).rowcount == 1


def listing(connection: Connection, limit: int, before: str | None = None) -> list[BulkReplay]:
    """The newest, newest first; only those older than ``before``, if it is given."""
    older: list[Any] = [] if before is None else [_columns.id < before]
    statement = select(bulk_replays).where(*older).order_by(_columns.id.desc()).limit(limit)
    return [_told(row) for row in connection.execute(statement)]


def one(connection: Connection, replay_id: str) -> BulkReplay:
    """The one of that id.

    Raises:
        NoSuchEvent: there is none.
    """
    row = connection.execute(select(bulk_replays).where(_columns.id == replay_id)).first()
    if row is None:
        raise NoSuchEvent(f"there is no bulk replay {replay_id}")
    return _told(row)


def _told(row: Row[Any]) -> BulkReplay:
    wanted, became = Filter(**json.loads(row.wanted)), json.loads(row.became)
    return BulkReplay(row.id, row.who, row.at, wanted, row.total, State(row.state), row.done, became, row.ended_at)


class BulkReplayer:
    """Takes bulk replays further. Any number may run, in any number of processes."""

    name = "bulk-replay"
    patience = 5.0

    def __init__(self, database: Database, translate: Translate, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._translate = translate
        self._clock = clock
        self._complaints = Sparing()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; the step in hand then is finished first."""
        while not stop.wait(BEAT):
            try:
                while not stop.is_set() and self.step():
                    pass
            except StoreUnavailable as error:
                self._complain("store unavailable", str(error))
            except Exception as error:  # noqa: BLE001 - a thread that ended would leave all of them lying
                self._complain("unforeseen", type(error).__name__)

    def step(self) -> bool:
        """Claim one that nobody holds, and take it to its end. Returns whether there was one.

        Raises:
            StoreUnavailable: it goes on when the lease has ended.
        """
        now = self._clock()
        # Looked at before it is claimed: nobody writes while there is nothing to do.
        free = select(_columns.id).where(_columns.state == State.RUNNING, _columns.leased_until <= now).limit(1)
        with self._database.reading() as connection:
            replay_id = connection.execute(free).scalar()
        if replay_id is None:
            return False
        number = self._claim(replay_id, now)
        return number is not None and self._advance(replay_id, number)

    def _claim(self, replay_id: str, now: float) -> int | None:
        taking = (
            update(bulk_replays)
            .where(_columns.id == replay_id, _columns.state == State.RUNNING, _columns.leased_until <= now)
            .values(leased_until=now + LEASE, claims=_columns.claims + 1)
            .returning(_columns.claims)
        )
        with self._database.writing() as connection:
            return connection.execute(taking).scalar()

    def _advance(self, replay_id: str, number: int) -> bool:
        """One step: a few events, and how far it has come with them."""
        with self._database.writing() as connection:
            ours = (_columns.id == replay_id, _columns.claims == number, _columns.state == State.RUNNING)
            row = connection.execute(select(bulk_replays).where(*ours).with_for_update()).first()
            if row is None:
                return False
            told = _told(row)
            now = self._clock()
            # A text that begins with the newest id is the next after it.
            chosen = fitting(connection, replace(told.wanted, after=row.mark, before=f"{row.up_to}0"), STEP)
            became = Counter(told.became) + Counter(self._again(connection, event_id, now) for event_id in chosen)
            is_done = len(chosen) < STEP or told.done + len(chosen) >= MOST
            values = {
                "mark": chosen[-1] if chosen else row.mark,
                "done": told.done + len(chosen),
                "became": json.dumps(became),
                # Between two steps it is anybody's again: whoever comes first.
                "leased_until": 0.0,
                "state": State.DONE if is_done else State.RUNNING,
                "ended_at": now if is_done else None,
            }
            connection.execute(update(bulk_replays).where(_columns.id == replay_id).values(values))
        if is_done:
            _log.info("bulk replay done", id=replay_id, events=values["done"])
        return True

    def _again(self, connection: Connection, event_id: str, now: float) -> str:
        try:
            with connection.begin_nested():
                return replay(connection, event_id, self._translate, now)
        except OperationalError:  # the database's trouble, not the event's
            raise
        except Exception as error:  # noqa: BLE001 - one event that cannot be run must not hold up the others
            _log.error("not replayed", event_id=event_id, reason=type(error).__name__)
            return FAILED

    def _complain(self, what: str, reason: str) -> None:
        if times := self._complaints.admits(what):
            _log.error(what, bulk_replays=True, reason=reason, times=times)
