"""Many requests, one transaction.

A commit waits for the disk, so those who arrive while one is under way share the next. A writer thread makes ready what
everybody has brought who has come meanwhile, commits it, and wakes them: a request still answers only after its own
commit. The thread is started by the first request that needs it, so a process that forks before has none to lose.
"""

import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from queue import Empty, SimpleQueue
from typing import NamedTuple

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from bridge.arrival import Kept
from bridge.delivery.database import Database
from bridge.delivery.store import Received, keep
from bridge.errors import StoreUnavailable

PATIENCE = 8.0
"""Seconds that a request waits. Voucherify takes no answer within 10 s for a failure."""

GATHERING = 0.012
"""Seconds between two transactions when requests come at once: what a transaction costs is shared by more of them."""

MOST = 5_000
"""Messages in one transaction, give or take one request's: beyond that, its price is shared by enough of them."""

_RACES = 5
"""How often in a row another process may store the same event first, before something else must be wrong."""

_DEADLOCK = "40P01"
"""PostgreSQL's code. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""

Prepare = Callable[[], Sequence[Received]]
"""Makes what is to be stored of one request."""


Answer = SimpleQueue[list[Kept] | Exception]
"""Where a request waits for what became of what it brought. A Future would do, and take ten times as long."""


class _Waiting(NamedTuple):
    """What one request brought, and where it waits."""

    prepare: Prepare
    answer: Answer


class _Ready(NamedTuple):
    received: Sequence[Received]
    answer: Answer


class GroupCommit:
    """Keeps arrivals for any number of threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        """In a process that has just been forked: whoever was waiting, and the writer, are not here."""
        self._queue: SimpleQueue[_Waiting] = SimpleQueue()
        self._hiring = threading.Lock()
        self._has_writer = False

    def keep(self, prepare: Callable[[], Received]) -> Kept:
        """Store what ``prepare`` makes; return when it is on disk.

        It is called by the writer: of dozens of threads that compute, each interrupts the others, and all are slower
        for it. What it raises is raised here, and nothing is stored.

        Raises:
            StoreUnavailable: it is not stored, and the sender should try again.
        """
        [kept] = self._wait_for(lambda: (prepare(),))
        return kept

    def keep_all(self, received: Sequence[Received]) -> list[Kept]:
        """Store what came in one request, in its order, all or none; return when it is on disk.

        Raises:
            StoreUnavailable: none of it is, and the sender should try again.
        """
        return self._wait_for(lambda: received)

    def _wait_for(self, prepare: Prepare) -> list[Kept]:
        answer: Answer = SimpleQueue()
        self._queue.put(_Waiting(prepare, answer))
        if not self._has_writer:
            self._hire_writer()
        try:
            told = answer.get(timeout=PATIENCE)
        except Empty as error:
            raise StoreUnavailable("the database is too slow") from error
        if isinstance(told, Exception):
            raise told
        return told

    def _hire_writer(self) -> None:
        with self._hiring:
            if not self._has_writer:
                threading.Thread(target=self._write, name="group-commit", daemon=True).start()
                self._has_writer = True

    def _write(self) -> None:
        batch: list[_Ready] = []
        while True:
            if len(batch) > 1:
                time.sleep(GATHERING)
            batch = self._gather()
            try:
                self._commit(batch)
            except StoreUnavailable as error:
                if len(batch) > 1 and isinstance(error.__cause__, DataError):
                    self._one_by_one(batch)  # only one of them is to blame
                else:
                    _fail(batch, error)
            except Exception as error:  # noqa: BLE001 - a writer that ended would leave everybody waiting
                _fail(batch, StoreUnavailable(f"unforeseen: {type(error).__name__}"))

    def _gather(self) -> list[_Ready]:
        """Everybody who waits, at least one, made ready, until there are ``MOST`` messages."""
        batch = []
        waiting: _Waiting | None = self._queue.get()
        room = MOST
        while waiting:
            if ready := _made_ready(waiting):
                batch.append(ready)
                room -= len(ready.received)
            waiting = self._next() if room > 0 else None
        return batch

    def _next(self) -> _Waiting | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            return None

    def _commit(self, batch: Sequence[_Ready]) -> None:
        if not batch:
            return
        messages = [one for ready in batch for one in ready.received]
        for race in range(1, _RACES + 1):
            try:
                with self._database.writing() as connection:
                    kept = iter(keep(connection, messages))
            except StoreUnavailable as error:
                if race == _RACES or not _is_race(error):
                    raise
            else:
                for ready in batch:
                    ready.answer.put(list(islice(kept, len(ready.received))))
                return

    def _one_by_one(self, batch: Sequence[_Ready]) -> None:
        for received, answer in batch:
            try:
                with self._database.writing() as connection:
                    kept = keep(connection, received)
            except StoreUnavailable as error:
                answer.put(error)
            else:
                answer.put(kept)


def _made_ready(waiting: _Waiting) -> _Ready | None:
    try:
        return _Ready(waiting.prepare(), waiting.answer)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it is waited for
        waiting.answer.put(error)
        return None


def _fail(batch: Sequence[_Ready], error: StoreUnavailable) -> None:
    for _, answer in batch:
        answer.put(error)


def _is_race(error: StoreUnavailable) -> bool:
    """Whether another process was first; the next try will see what it has stored."""
    cause = error.__cause__
    is_deadlock = isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) == _DEADLOCK
    return is_deadlock or isinstance(cause, IntegrityError)
