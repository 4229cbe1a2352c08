"""Bulk replay: a replay of all events that match a filter, in the background.

Events are replayed oldest first. A row holds the progress: its mark. One transaction hands the next events to the
translators and moves the mark. So any process continues the replay of a killed one, and no event is translated twice.
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
from sqlalchemy import Connection, Row, delete, func, insert, select, update
from ulid import ULID

from bridge.delivery.database.engine import Database
from bridge.delivery.database.rows import insert_rows
from bridge.delivery.database.tables import bulk_replays, events, messages, replays
from bridge.errors import NoSuchEvent
from bridge.json_text import storable
from bridge.loop import Pace, repeat
from bridge.messages import ID_LENGTH
from bridge.operations.discard import bring_back
from bridge.operations.replay import TO_BE_TRANSLATED
from bridge.operations.search import Filter, count, fitting

REPLAYABLE = ("quarantined", "dead", "ignored", "discarded")
"""Statuses that a bulk replay accepts.

An operator decides uncertain deliveries one by one.
"""

MOST = 100_000
"""Events of one bulk replay at most.

The command counts them while the operator waits.
"""

STEP = 100
"""Events that one transaction hands over."""

AHEAD = 200
"""Events that are handed over and not translated, at most.

So a single replay waits for few others.
"""

BEAT = 0.5
"""Seconds between two searches for a running bulk replay."""

_columns = bulk_replays.c
_log = structlog.get_logger("bridge.bulk")


class State(StrEnum):
    """State of a bulk replay."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BulkReplay:
    """A bulk replay, with times in epoch seconds.

    Attributes:
        total: number of events that matched at its start.
        done: number of events that are replayed.
        became: number of these by outcome.
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
    """Begin a bulk replay, and return its id.

    Events that arrive later are not part of it.
    """
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
    """Stop a bulk replay after its current step.

    Returns whether it was running.
    """
    running = (_columns.id == replay_id, _columns.state == State.RUNNING)
    ended = {"state": State.STOPPED, "ended_at": now}
    if connection.execute(update(bulk_replays).where(*running).values(ended)).rowcount == 0:
        return False
    connection.execute(delete(replays).where(replays.c.bulk_id == replay_id))
    return True


def listing(connection: Connection, limit: int, before: str | None = None) -> list[BulkReplay]:
    """Return the newest bulk replays, newest first.

    With ``before``, only those older than that one.
    """
    older: list[Any] = [] if before is None else [_columns.id < before]
    statement = select(bulk_replays).where(*older).order_by(_columns.id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(statement)]


def one(connection: Connection, replay_id: str) -> BulkReplay:
    """Return the bulk replay of an id.

    Raises:
        NoSuchEvent: there is none.
    """
    row = connection.execute(select(bulk_replays).where(_columns.id == replay_id)).first()
    if row is None:
        raise NoSuchEvent(f"there is no bulk replay {replay_id}")
    return _read(row)


def _read(row: Row[Any]) -> BulkReplay:
    wanted, became = Filter(**storable(json.loads(row.wanted))), json.loads(row.became)
    return BulkReplay(row.id, row.who, row.at, wanted, row.total, State(row.state), row.done, became, row.ended_at)


class BulkReplayer:
    """A thread that continues bulk replays.

    Any number may run, in any number of processes.
    """

    name = "bulk-replay"
    patience = 5.0

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        repeat(self.step, stop, Pace(BEAT), "bulk replay")

    def step(self) -> bool:
        """Hand over the next events of a running bulk replay.

        Returns whether there were any.

        Raises:
            StoreUnavailable: nothing was handed over.
        """
        # Read first, so that nothing is written while there is no work.
        running = select(_columns.id).where(_columns.state == State.RUNNING).order_by(_columns.id).limit(1)
        with self._database.reading() as connection:
            if connection.execute(running).scalar() is None:
                return False
        with self._database.writing() as connection:
            row = connection.execute(
                select(bulk_replays)
                .where(_columns.state == State.RUNNING, _columns.given - _columns.done < AHEAD)
                .order_by(_columns.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            return row is not None and self._hand_over(connection, row)

    def _hand_over(self, connection: Connection, row: Row[Any]) -> bool:
        replay = _read(row)
        # A text that begins with the newest id sorts directly behind it.
        chosen = fitting(connection, replace(replay.wanted, after=row.mark, before=f"{row.up_to}{_AFTER}"), STEP)
        chosen = chosen[: MOST - row.given]
        values: dict[str, Any] = {"given": row.given + len(chosen), "mark": chosen[-1] if chosen else row.mark}
        if back := bring_back(connection, chosen):
            became = Counter(replay.became) + Counter({TO_BE_TRANSLATED: len(back)})
            values |= {"done": row.done + len(back), "became": json.dumps(became)}
            chosen = [one for one in chosen if one not in back]
        if chosen:
            queues = select(events.c.id, messages.c.queue).where(
                events.c.id.in_(chosen), messages.c.id == func.substr(events.c.id, 1, ID_LENGTH)
            )
            queue_of = {one.id: one.queue for one in connection.execute(queues)}
            insert_rows(
                connection,
                replays,
                [
                    {"queue": queue_of[one], "event_id": one, "audit_id": "", "who": row.who, "bulk_id": row.id}
                    for one in chosen
                ],
            )
        elif not back and row.done == row.given:
            values |= {"state": State.DONE, "ended_at": self._clock()}
            _log.info("bulk replay done", id=row.id, events=row.done)
        connection.execute(update(bulk_replays).where(_columns.id == row.id).values(values))
        return bool(chosen or back)


_AFTER = "9999"
"""Suffix behind the id of a message, above the ids of its batch's events."""
