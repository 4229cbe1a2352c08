"""The bridge's database, seen and disturbed from outside."""

import fcntl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, make_url, text

from tests.acceptance.waiting import PATIENCE, until


class Books:
    """What it kept, what is still to be delivered, and who waits for a lock."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self._engine = create_engine(parsed, poolclass=NullPool)
        self._turn = Path(f"{parsed.database}-turn") if self._engine.dialect.name == "sqlite" else None

    def rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), parameters)]

    def change(self, statement: str, **parameters: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(statement), parameters)

    def messages(self) -> int:
        """How many messages are stored."""
        [(count,)] = self.rows("SELECT count(*) FROM messages")
        return int(count)

    def wait_until_translated(self) -> None:
        """Nothing of what is stored waits for a translator any more."""
        until(
            lambda: self.rows("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM rounds)") == [(0,)],
            "everything is translated",
        )

    def events(self) -> Counter[str]:
        """How many events are translated, by status; those that repeat another one are not among them."""
        return Counter(dict(self.rows("SELECT status, count(*) FROM events GROUP BY status")))

    def deliveries(self) -> Counter[str]:
        """How many deliveries there are, by status."""
        return Counter(dict(self.rows("SELECT status, count(*) FROM deliveries GROUP BY status")))

    def attempts(self) -> Counter[str]:
        """How many attempts are recorded, by outcome: a delivery that succeeded needs none."""
        return Counter(dict(self.rows("SELECT outcome, count(*) FROM attempts GROUP BY outcome")))

    def wait_until_settled(self, total: int, patience: float = PATIENCE) -> None:
        """Nothing is on its way any more, and so nothing can arrive a second time."""
        until(
            lambda: (found := self.deliveries()).total() == total and not (found["waiting"] or found["sending"]),
            f"{total} deliveries are settled",
            patience,
        )

    def hold_back(self, sink: str = "segment") -> None:
        """Deliver nothing for the time being, so that what gathers goes out as one batch."""
        self.change(
            "INSERT INTO sinks (name, paused_until, reason) VALUES (:sink, :until, 'held back') "
            "ON CONFLICT (name) DO UPDATE SET paused_until = excluded.paused_until, reason = excluded.reason",
            sink=sink,
            until=time.time() + 3600,
        )

    def resume(self) -> None:
        """Whatever was held back, or has to pause, goes on."""
        self.change("UPDATE sinks SET paused_until = 0")

    def move_time(self) -> None:
        """End all pauses, backoffs and leases.

        In one transaction: after a first, a worker claims what is due, and a second would end its lease while it sends.
        """
        with self._engine.begin() as connection:
            connection.execute(text("UPDATE sinks SET paused_until = 0"))
            connection.execute(text("UPDATE deliveries SET due_at = 0 WHERE status = 'waiting'"))
            connection.execute(text("UPDATE deliveries SET lease_expires_at = 0 WHERE status = 'sending'"))

    def move_backoff(self) -> None:
        """What waits for its next try is due, and what is in doubt has been for another minute.

        What a worker has in hand, or had when it was killed, is left alone.
        """
        self.resume()
        self.change("UPDATE deliveries SET due_at = 0, doubt_since = doubt_since - 60 WHERE status = 'waiting'")

    def end_leases(self) -> None:
        """What was in hand when all workers were killed is anybody's, and has been in doubt for a minute."""
        self.change(
            "UPDATE deliveries SET lease_expires_at = 0, doubt_since = doubt_since - 60 WHERE status = 'sending'"
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else can write."""
        if self._turn:
            with self._turn.open("ab") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
        else:
            with self._engine.begin() as connection:
                connection.execute(text("LOCK TABLE messages, events, deliveries, seen IN EXCLUSIVE MODE"))
                yield

    def wait_for_waiters(self, count: int) -> None:
        """So many are waiting for the lock."""
        until(lambda: self._waiters() >= count, f"{count} wait for the lock")

    def _waiters(self) -> int:
        if self._turn:
            # One waits for its turn, the others to be next.
            queue = (self._turn, self._turn.with_name(f"{self._turn.name}-next"))
            inodes = [f":{file.stat().st_ino} " for file in queue if file.exists()]
            lines = Path("/proc/locks").read_text().splitlines()
            return sum("->" in line and any(inode in line for inode in inodes) for line in lines)
        [(count,)] = self.rows(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE NOT granted AND datname = current_database()"
        )
        return int(count)
