"""Many requests, one transaction.

A commit waits for the disk, so those who arrive while one is under way share the next: the first of them becomes the
leader, waits for the database's turn, commits everybody who has come meanwhile and goes. There is no thread of its own,
so there is none to lose when a process forks. A request still answers only after its own commit.
"""

import threading
from collections import deque
from dataclasses import dataclass

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from bridge.arrival import Kept
from bridge.delivery.database import Database
from bridge.delivery.store import Received, keep
from bridge.errors import StoreUnavailable

PATIENCE = 8.0
"""Seconds that a request waits. Voucherify takes no answer within 10 s for a failure."""

_RACES = 5
"""How often in a row another process may store the same event first, before something else must be wrong."""


@dataclass(slots=True)
class _Waiting:
    received: Received
    outcome: Kept | StoreUnavailable | None = None


_DEADLOCK = "40P01"
"""PostgreSQL's code. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


class GroupCommit:
    """Keeps arrivals for any number of threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: deque[_Waiting] = deque()
        self._leading = threading.Lock()

    def keep(self, received: Received) -> Kept:
        """Store it; return when it is on disk.

        Raises:
            StoreUnavailable: it is not, and the sender should try again.
        """
        mine = _Waiting(received)
        self._queue.append(mine)
        if not self._leading.acquire(timeout=PATIENCE):
            raise StoreUnavailable("the database is too slow")
        try:
            if mine.outcome is None:
                self._lead()
        finally:
            self._leading.release()
        if isinstance(mine.outcome, Kept):
            return mine.outcome
        raise mine.outcome or StoreUnavailable("the database is too slow")

    def forget(self) -> None:
        """In a process that has just been forked: whoever was waiting is not here."""
        self._queue.clear()
        self._leading = threading.Lock()

    def _lead(self) -> None:
        batch: list[_Waiting] = []
        try:
            self._commit(batch)
        except StoreUnavailable as error:
            if len(batch) > 1 and isinstance(error.__cause__, DataError):
                self._one_by_one(batch)  # only one of them is to blame
                return
            for waiting in batch or self._everybody():
                waiting.outcome = error

    def _commit(self, batch: list[_Waiting]) -> None:
        """Fill ``batch``, once it is our turn, with everybody who waits by then, and commit it."""
        for race in range(1, _RACES + 1):
            try:
                with self._database.writing() as connection:
                    batch.extend(self._everybody())
                    kept = keep(connection, [waiting.received for waiting in batch])
            except StoreUnavailable as error:
                if race == _RACES or not _is_race(error):
                    raise
            else:
                for waiting, outcome in zip(batch, kept, strict=True):
                    waiting.outcome = outcome
                return

    def _one_by_one(self, batch: list[_Waiting]) -> None:
        for waiting in batch:
            try:
                self._commit_one(waiting)
            except StoreUnavailable as error:
                waiting.outcome = error

    def _commit_one(self, waiting: _Waiting) -> None:
        with self._database.writing() as connection:
            [waiting.outcome] = keep(connection, [waiting.received])

    def _everybody(self) -> list[_Waiting]:
        return [self._queue.popleft() for _ in range(len(self._queue))]


def _is_race(error: StoreUnavailable) -> bool:
    """Whether another process was first; the next try will see what it has stored."""
    cause = error.__cause__
    is_deadlock = isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) == _DEADLOCK
    return is_deadlock or isinstance(cause, IntegrityError)
