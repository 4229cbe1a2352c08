"""Appends messages: many requests, one transaction.

A commit waits for the disk, so messages that arrive during one commit share the next. One thread per process
commits all waiting messages, back to back. It starts with the first message, so a process that forks before it has no
thread.

A message is *waiting*, then *committing*, then answered. A request whose patience ends withdraws a waiting message. It
cannot withdraw a message that is committing: that message may be stored although its sender is answered 503, and then
it gets a mark (see ``marks``).
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import Protocol

from sqlalchemy import Connection, delete, func, select

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import pack
from bridge.delivery.database.rows import insert_rows
from bridge.delivery.database.tables import messages, pending
from bridge.delivery.inbox.marks import mark
from bridge.errors import StoreUnavailable
from bridge.logs import unexpected
from bridge.messages import Message

PATIENCE_SECONDS = 8.0
"""Seconds that a request waits for its commit.

Voucherify counts an answer after 10 s as a failure.
"""

MOST = 1_000
"""Messages in one transaction."""

LOOKING_SECONDS, LOOKING_INTERVAL_SECONDS = 120.0, 1.0
"""Seconds, and interval, of the search for messages of unanswered commits."""

RESERVE_BYTES = 64 * 1024 * 1024
"""Bytes of disk that SQLite's worker needs.

The inbox leaves them free, beside twice the bytes that wait.
"""

AMPLE_BYTES = 4 * 1024**3
"""Free bytes from which on the waiting bytes are not counted."""


class Wake(Protocol):
    """Wakes workers when a message waits for them."""

    def ring(self) -> None:
        """Wake the workers; never blocks, and never raises."""
        ...


class _State(Enum):
    WAITING = auto()
    COMMITTING = auto()
    GIVEN_UP = auto()


class _Waiting:
    """A message, and the event on which its request waits."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.packed = pack(message.body)
        self.state = _State.WAITING
        # A Future is ten times as slow.
        self.answer: SimpleQueue[StoreUnavailable | None] = SimpleQueue()


class Inbox:
    """Appends messages, from any number of threads.

    Args:
        wake: is rung after each commit.
        patience_seconds: how long ``append`` waits.
    """

    def __init__(self, database: Database, wake: Wake, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._database = database
        self._wake = wake
        self._patience_seconds = patience_seconds
        self.forget()

    def forget(self) -> None:
        """Reset the inbox in a forked process.

        The parent's requests and thread do not exist there.
        """
        self._queue: SimpleQueue[_Waiting] = SimpleQueue()
        self._changing = threading.Lock()
        self._starting = threading.Lock()
        self._has_writer = False
        self._unanswered: list[tuple[float, list[_Waiting]]] = []

    def append(self, message: Message) -> None:
        """Store ``message``, and return when it is on disk.

        Raises:
            StoreUnavailable: the sender should retry.
        """
        waiting, patience_seconds = _Waiting(message), self._patience_seconds
        self._queue.put(waiting)
        if not self._has_writer:
            self._start_writer()
        try:
            error = waiting.answer.get(timeout=patience_seconds)
        except Empty:
            error = self._give_up(waiting)
        if error is not None:
            raise error

    def _give_up(self, waiting: _Waiting) -> StoreUnavailable | None:
        with self._changing:
            with suppress(Empty):
                return waiting.answer.get_nowait()  # the commit ended just now
            waiting.state = _State.GIVEN_UP
        return StoreUnavailable("the database is too slow")

    def _start_writer(self) -> None:
        with self._starting:
            if not self._has_writer:
                threading.Thread(target=self._write, name="inbox", daemon=True).start()
                self._has_writer = True

    def _write(self) -> None:
        while True:
            batch = self._gather()
            try:
                if batch:
                    self._commit(batch)
                self._look_for_unanswered()
            except Exception as error:  # noqa: BLE001 - without its writer the process could store nothing
                unexpected("inbox", error)
                self._answer(batch, StoreUnavailable("an unexpected error"))

    def _gather(self) -> list[_Waiting]:
        """Return all waiting messages, at most ``MOST``.

        Nothing if it is time to search for unanswered commits.
        """
        batch: list[_Waiting] = []
        with suppress(Empty):
            batch.append(self._queue.get(timeout=LOOKING_INTERVAL_SECONDS if self._unanswered else None))
            while len(batch) < MOST:
                batch.append(self._queue.get_nowait())
        return batch

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        committing: list[_Waiting] = []
        try:
            with self._database.writing() as connection:
                self._refuse_if_disk_is_full(connection)
                insert_rows(connection, messages, [_message_row(one) for one in batch])
                insert_rows(connection, pending, [_pending_row(one) for one in batch])
                committing, withdrawn = self._close(batch)
                if withdrawn:
                    ids = [one.message.id for one in withdrawn]
                    connection.execute(delete(messages).where(messages.c.id.in_(ids)))
                    connection.execute(delete(pending).where(pending.c.message_id.in_(ids)))
        except StoreUnavailable as error:
            if not committing:
                self._answer(batch, error)
            elif not self._answer_if_stored(committing):
                self._unanswered.append((time.monotonic() + LOOKING_SECONDS, committing))
                self._answer(committing, error)
        else:
            self._answer_stored(committing)
        self._wake.ring()

    def _close(self, batch: Sequence[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
        """Close the batch: no request can withdraw its message any more.

        Returns the messages to commit, and the withdrawn ones.
        """
        with self._changing:
            committing = [one for one in batch if one.state is _State.WAITING]
            for one in committing:
                one.state = _State.COMMITTING
        return committing, [one for one in batch if one.state is _State.GIVEN_UP]

    def _answer(self, batch: Sequence[_Waiting], error: StoreUnavailable | None) -> list[_Waiting]:
        """Answer all requests, and return the messages whose requests have given up."""
        late = []
        with self._changing:
            for one in batch:
                if one.state is _State.GIVEN_UP:
                    late.append(one)
                else:
                    one.answer.put(error)
                    if error is not None:
                        one.state = _State.GIVEN_UP
        return late

    def _answer_stored(self, stored: Sequence[_Waiting]) -> None:
        if late := self._answer(stored, None):
            with self._database.writing() as connection:
                mark(connection, [one.message for one in late], time.time())

    def _answer_if_stored(self, committing: Sequence[_Waiting]) -> bool:
        """Search, on a new connection, for a commit without an answer.

        Either all of its messages are stored, or none.
        """
        first = select(messages.c.id).where(messages.c.id == committing[0].message.id)
        try:
            with self._database.reading() as connection:
                is_stored = connection.execute(first).scalar() is not None
            if is_stored:
                self._answer_stored(committing)
        except StoreUnavailable:
            return False
        return is_stored

    def _look_for_unanswered(self) -> None:
        """Search repeatedly for messages whose connection was lost at the commit.

        The commit may happen later.
        """
        self._unanswered = [
            (until, batch)
            for until, batch in self._unanswered
            if not self._answer_if_stored(batch) and time.monotonic() < until
        ]

    def _refuse_if_disk_is_full(self, connection: Connection) -> None:
        """Refuse to append when SQLite's disk is nearly full.

        The worker needs the rest to deliver what waits.
        """
        free_bytes = self._database.free_bytes()
        if free_bytes is None or free_bytes > AMPLE_BYTES:
            return
        waiting_bytes = connection.execute(select(func.sum(pending.c.size))).scalar() or 0
        if free_bytes < RESERVE_BYTES + 2 * waiting_bytes:
            raise StoreUnavailable("the disk is nearly full: free some space")


def _message_row(waiting: _Waiting) -> dict[str, object]:
    message = waiting.message
    return {
        "id": message.id,
        "queue": message.queue,
        "direction": message.direction,
        "door": message.door,
        "received_at": message.at,
        "request_id": message.request_id,
        "credential": message.credential,
        "body": waiting.packed,
    }


def _pending_row(waiting: _Waiting) -> dict[str, object]:
    return {"queue": waiting.message.queue, "message_id": waiting.message.id, "size": len(waiting.packed)}
