"""Rounds: messages that one translator has claimed together.

The package describes how rounds are taken, moved forward and taken over.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Delete, Row, delete, exists, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from ulid import ULID

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import messages, pending, replays, rounds
from bridge.errors import StoreUnavailable
from bridge.messages import QUEUES, Message

MOST, MOST_BYTES = 500, 16_000_000
"""Messages of one round, and their compressed bytes beyond the first."""

REPLAY_SHARE = 5
"""Part of a round that replays get while messages wait: one in so many."""

LEASE_SECONDS = 10.0
"""Seconds of a round's lease, on the database's clock.

Each writing transaction renews it.
"""

FULL_LOOK_SECONDS = 60.0

LATE_SECONDS = 30.0
"""Seconds that an append may take on PostgreSQL, from its number to its commit.

A later append loses its place in the order.
"""

MOST_STARTS_ALONE, MOST_STARTS = 2, 10
"""Processes that may end while a message is alone in their hands.

After the first number it is suspected, after the second it is quarantined untranslated.
"""

_rounds, _pending, _replays = rounds.c, pending.c, replays.c


@dataclass(frozen=True, slots=True)
class Replay:
    """A stored event that is translated again.

    Attributes:
        audit_id: of the audit record that receives its outcome; "" if there is none.
        who: the operator.
        bulk_id: of its bulk replay; "" if there is none.
    """

    event_id: str
    audit_id: str = ""
    who: str = ""
    bulk_id: str = ""


Work = str | Replay
"""Id of a message, or a replay."""


@dataclass(frozen=True, slots=True)
class Round:
    """Messages that a translator has claimed together.

    Attributes:
        holder: name of its process; with ``id`` the fencing token.
        work: what is not translated yet.
        done: events of the first message that are written.
        begun: 0 if it was never taken over; else how often its first message was begun alone.
    """

    id: str
    queue: str
    holder: str
    work: tuple[Work, ...]
    done: int = 0
    begun: int = 0

    @property
    def is_alone(self) -> bool:
        """Whether its messages are translated and written one at a time."""
        return self.begun > 0

    @property
    def is_suspected(self) -> bool:
        """Whether its first message may have ended several processes."""
        return self.begun > MOST_STARTS_ALONE

    @property
    def is_poisoned(self) -> bool:
        """Whether its first message has certainly ended processes."""
        return self.begun > MOST_STARTS

    def move(self, connection: Connection, work: Sequence[Work], done: int, now: float) -> "Round | None":
        """Record the progress of the round in a writing transaction.

        ``work`` remains. Of its first message, ``done`` events are written.

        Args:
            now: epoch seconds on the database's clock.

        Returns:
            The round as it is then. None if another translator has taken it over: then the transaction must write
                nothing.
        """
        mine = (_rounds.id == self.id, _rounds.holder == self.holder)
        if not work:
            moved = connection.execute(delete(rounds).where(*mine)).rowcount
            return replace(self, work=()) if moved else None
        begun = self.begun if (len(work), done) == (len(self.work), self.done) else min(self.begun, 1)
        values = {"work": _dump(work), "done": done, "begun": begun, "lease_expires_at": now + LEASE_SECONDS}
        if connection.execute(update(rounds).where(*mine).values(values)).rowcount == 0:
            return None
        return replace(self, work=tuple(work), done=done, begun=begun)

    def release(self, connection: Connection) -> None:
        """Release the round, so that another translator can continue it."""
        mine = (_rounds.id == self.id, _rounds.holder == self.holder)
        connection.execute(update(rounds).where(*mine).values(holder="", lease_expires_at=0.0))

    def resume(self, connection: Connection) -> "Round | None":
        """Return the round's progress after a failure.

        None if no work is left, or if another translator has taken it over.
        """
        mine = (_rounds.id == self.id, _rounds.holder == self.holder)
        row = connection.execute(select(rounds).where(*mine)).first()
        return _round(row, self.holder, row.begun) if row else None


class Taker:
    """Claims rounds of one queue."""

    def __init__(self, database: Database, queue: str) -> None:
        self._database = database
        self._queue = queue
        self._low = _LowMark()

    def take(self, holder: str) -> Round | None:
        """Claim the next round.

        None if no message waits, or if another translator has this queue's only round.

        Args:
            holder: name of this process.

        Raises:
            StoreUnavailable: no round was claimed.
        """
        with self._database.reading() as connection:
            low = self._low.of(connection)
            if not self._waits(connection, low):
                self._low.reach(None)
                return None
        try:
            with self._database.writing(hasty=True) as connection:
                new, up_to = self._take(connection, low, holder)
        except StoreUnavailable as error:
            if isinstance(error.__cause__, IntegrityError):  # another translator has the only round
                return None
            raise
        self._low.reach(up_to)
        return new

    def _waits(self, connection: Connection, low: int) -> bool:
        if QUEUES[self._queue] and connection.execute(select(_rounds.id).where(_rounds.queue == self._queue)).first():
            return False
        fresh = exists().where(_pending.queue == self._queue, _pending.sequence > low)
        again = exists().where(_replays.queue == self._queue)
        return bool(connection.execute(select(or_(fresh, again))).scalar())

    def _take(self, connection: Connection, low: int, holder: str) -> tuple[Round | None, int | None]:
        again = self._take_replays(connection)
        fresh, up_to = self._take_messages(connection, MOST - len(again), low)
        if not fresh and not again:
            return None, up_to
        now = self._database.now(connection)
        new = Round(str(ULID.from_timestamp(now)), self._queue, holder, (*fresh, *again))
        row = {
            "id": new.id,
            "queue": self._queue,
            "exclusive": self._queue if QUEUES[self._queue] else None,
            "holder": holder,
            "work": _dump(new.work),
            "lease_expires_at": now + LEASE_SECONDS,
        }
        connection.execute(insert(rounds).values(row))
        return new, up_to

    def _take_messages(self, connection: Connection, most: int, low: int) -> tuple[list[str], int | None]:
        """Delete and return the oldest pending messages.

        With the sequence number of the last of them, if more may follow.

        The query skips rows that another translator is taking. In an ordered queue it waits for them.
        """
        oldest = (
            select(_pending.sequence, _pending.size)
            .where(_pending.queue == self._queue, _pending.sequence > low)
            .order_by(_pending.sequence)
            .limit(most)
            .with_for_update(skip_locked=not QUEUES[self._queue])
        )
        sequences: list[int] = []
        total = 0
        rows = connection.execute(oldest).all()
        for row in rows:
            total += row.size
            if sequences and total > MOST_BYTES:
                break
            sequences.append(row.sequence)
        if not sequences:
            return [], None
        deleted = _deleted(connection, delete(pending).where(_pending.sequence.in_(sequences)), _pending.message_id)
        is_all = len(sequences) == len(rows) < most
        return [row.message_id for row in deleted], None if is_all else sequences[-1]

    def _take_replays(self, connection: Connection) -> list[Replay]:
        oldest = (
            select(_replays.sequence)
            .where(_replays.queue == self._queue)
            .order_by(_replays.sequence)
            .limit(MOST // REPLAY_SHARE)
            .with_for_update(skip_locked=True)
        )
        sequences = connection.execute(oldest).scalars().all()
        if not sequences:
            return []
        statement = delete(replays).where(_replays.sequence.in_(sequences))
        columns = (_replays.event_id, _replays.audit_id, _replays.who, _replays.bulk_id)
        return [
            Replay(row.event_id, row.audit_id, row.who, row.bulk_id)
            for row in _deleted(connection, statement, *columns)
        ]


class _LowMark:
    """Sequence number below which no message waits, on PostgreSQL.

    An append that is later than ``LATE_SECONDS`` is an exception.

    A transaction that is open for an hour (``pg_dump``) leaves dead rows in the index, and every take would read all of
    them. So a take begins at the numbers of ``LATE_SECONDS`` ago, but never behind what this taker has seen taken. Once
    a minute it begins at the start, and finds messages of longer transactions.
    """

    def __init__(self) -> None:
        self._low = self._late = 0
        self._given: deque[tuple[float, int]] = deque()
        self._full_look_at = 0.0

    def of(self, connection: Connection) -> int:
        now = time.monotonic()
        if connection.dialect.name != "postgresql":
            return 0
        if not self._given or now - self._given[-1][0] > 1.0:
            self._given.append((now, connection.execute(_LAST_GIVEN).scalar_one()))
        while now - self._given[0][0] > LATE_SECONDS:
            self._late = self._given.popleft()[1]
        if now - self._full_look_at > FULL_LOOK_SECONDS:
            self._full_look_at = now
            return 0
        return self._low

    def reach(self, sequence: int | None) -> None:
        """Record that all visible messages up to ``sequence`` are taken.

        None means that no message is left.
        """
        self._low = max(self._low, self._late if sequence is None else min(self._late, sequence))


_LAST_GIVEN = text("SELECT last_value FROM pending_sequence_seq")


def _deleted(connection: Connection, statement: Delete, *columns: Any) -> Sequence[Row[Any]]:
    """Delete rows, and return their ``columns`` in the order of their sequence."""
    table = statement.table
    rows: Sequence[Row[Any]] = connection.execute(statement.returning(*columns, table.c.sequence)).all()  # type: ignore[assignment] # of a table that is not known here
    return sorted(rows, key=lambda row: int(row.sequence))


def take_over(database: Database, queue: str, holder: str, is_dead: Callable[[str], bool]) -> Round | None:
    """Take over a round whose holder has ended, or whose lease has expired.

    None if ``queue`` has no such round.

    Args:
        is_dead: whether a holder is known to have ended.

    Raises:
        StoreUnavailable: no round was taken over.
    """
    with database.reading() as connection:
        rows = connection.execute(select(rounds).where(_rounds.queue == queue)).all()
        if not rows:
            return None
        now = database.now(connection)
    for row in rows:
        if row.lease_expires_at < now or (row.holder != holder and is_dead(row.holder)):
            begun = row.begun + 1 if row.holder else row.begun  # without a holder it was released
            values = {"holder": holder, "begun": begun, "lease_expires_at": now + LEASE_SECONDS}
            unchanged = (_rounds.begun == row.begun, _rounds.lease_expires_at == row.lease_expires_at)
            with database.writing(hasty=True) as connection:
                changed = connection.execute(update(rounds).where(_rounds.id == row.id, *unchanged).values(values))
            if changed.rowcount:
                return _round(row, holder, begun)
    return None


def _round(row: Row[Any], holder: str, begun: int) -> Round:
    return Round(row.id, row.queue, holder, _load(row.work), row.done, begun)


def packed(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """Return the messages of these ids, by id, for ``unpacked``.

    A megabyte of a repeated character is a kilobyte here.
    """
    return {row.id: row for row in connection.execute(select(messages).where(messages.c.id.in_(ids)))}


def unpacked(row: Row[Any]) -> Message:
    """Return a message with its bytes."""
    return Message(
        row.id, row.queue, row.direction, row.door, row.received_at, row.request_id, row.credential, unpack(row.body)
    )


def _dump(work: Sequence[Work]) -> str:
    items = [one if isinstance(one, str) else [one.event_id, one.audit_id, one.who, one.bulk_id] for one in work]
    return json.dumps(items, separators=(",", ":"))


def _load(text: str) -> tuple[Work, ...]:
    return tuple(one if isinstance(one, str) else Replay(*one) for one in json.loads(text))
