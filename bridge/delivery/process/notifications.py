"""Notifications between hosts: PostgreSQL's NOTIFY and LISTEN.

Both only save time. A worker without notifications polls. Behind a transaction pooler no notification arrives, and
SQLite has none.

NOTIFY takes a lock that all transactions with a NOTIFY share until they commit. So it never runs in the transaction
that stores a message. It runs soon afterwards, alone, and at most every 50 ms.
"""

import os
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import cast

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bridge.delivery.database.engine import Database

CHANNEL = "bridge_work"
"""Name of the channel, the same for all bridges.

A channel belongs to one database, and hosts may know that by different addresses.
"""

INTERVAL_SECONDS = 0.05
"""Seconds between two notifications of one process."""

RETRY_SECONDS = 5.0
"""Seconds after which a lost connection is opened again."""

LOOK_SECONDS = 0.5
"""Seconds within which the listener notices that it must stop."""

_log = structlog.get_logger("bridge.notifications")


class Notifier:
    """Notifications to other hosts, safe from any thread and after a fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_postgresql = _is_postgresql(database)
        self._begin()

    def notify(self) -> None:
        """Ask for a notification, and return at once."""
        if not self._is_postgresql:
            return
        if self._pid != os.getpid():
            self._begin()
        self._is_wanted.set()
        if self._thread.ident is None:
            with suppress(RuntimeError):  # another thread has just started it, or the process ends
                self._thread.start()

    def close(self) -> None:
        """Stop the notifier; the last request may not be sent."""
        self._stop.set()
        self._is_wanted.set()
        if self._pid == os.getpid() and self._thread.is_alive():
            self._thread.join()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._is_wanted = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def _run(self) -> None:
        while self._is_wanted.wait() and not self._stop.is_set():
            self._is_wanted.clear()
            with suppress(SQLAlchemyError), self._database.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(f"NOTIFY {CHANNEL}")
            self._stop.wait(INTERVAL_SECONDS)


class Listener:
    """The thread that wakes this host's workers when another host stores a message.

    Args:
        database: where it listens, on a connection of its own.
        ring: wakes the workers of this host.
    """

    name = "listener"
    patience = 10.0

    def __init__(self, database: Database, ring: Callable[[], None]) -> None:
        self._database = database
        self._ring = ring
        self._is_failing = False

    def run(self, stop: threading.Event) -> None:
        """Listen until ``stop`` is set."""
        if not _is_postgresql(self._database):
            return
        while not stop.is_set():
            try:
                self._listen(stop)
            except (SQLAlchemyError, psycopg.Error) as error:
                self._complain(type(error).__name__)
                stop.wait(RETRY_SECONDS)

    def _listen(self, stop: threading.Event) -> None:
        with closing(self._connect()) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._is_failing = False
            self._ring()  # for what was stored while nothing listened
            while not stop.is_set():
                for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                    self._ring()

    def _connect(self) -> psycopg.Connection:
        """Open a connection as the pool does, and detach it from the pool."""
        pooled = self._database.engine.raw_connection()
        connection = cast("psycopg.Connection", pooled.driver_connection)
        pooled.detach()
        connection.autocommit = True
        return connection

    def _complain(self, reason: str) -> None:
        if not self._is_failing:
            _log.warning("cannot listen for other hosts, workers poll", reason=reason)
        self._is_failing = True


def _is_postgresql(database: Database) -> bool:
    return database.engine.dialect.name == "postgresql"
