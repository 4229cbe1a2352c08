"""State of each queue: a live translator, a pause, a problem."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import messages, pending, rounds, translators
from bridge.delivery.rules.presence import ALIVE_SECONDS, by_hand
from bridge.doors import direction_of_queue
from bridge.messages import QUEUES

TRANSLATION = "translation"
"""Name under which an operator pauses the translation."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """State of one queue.

    Attributes:
        direction: the key of the direction of its messages.
        pending: messages that wait for translation, those in a round not included.
        oldest_seconds: age of the oldest of them; None if none waits.
        beat_at: when a translator was last known to be alive, in epoch seconds; 0 if never.
        problem: why nothing is translated, or only with errors; "" if all is well.
    """

    queue: str
    direction: str
    pending: int
    oldest_seconds: float | None
    beat_at: float
    is_paused: bool
    problem: str

    @property
    def is_used(self) -> bool:
        """Whether the queue has ever had a translator or a message."""
        return bool(self.beat_at or self.pending)

    def trouble(self, now: float) -> str:
        """Return why messages wait or fail at ``now`` (epoch seconds), or ""."""
        if self.is_paused:
            return f"{self.queue}: paused {by_hand(TRANSLATION)}"
        if now - self.beat_at > ALIVE_SECONDS:
            return f"no worker translates {self.queue}"
        return f"{self.queue}: {self.problem}" if self.problem else ""


def is_paused(connection: Connection, queue: str, now: float) -> bool:
    """Return whether an operator has paused the translation."""
    until = select(translators.c.paused_until).where(translators.c.queue == queue)
    return (connection.execute(until).scalar() or 0.0) > now


def beat(connection: Connection, problems: Mapping[str, str], now: float) -> None:
    """Record that translators live, by queue, with their problem or ""."""
    if problems:
        insertion = INSERT[connection.dialect.name](translators)
        values = {name: insertion.excluded[name] for name in ("beat_at", "problem")}
        rows = [{"queue": queue, "beat_at": now, "problem": problem} for queue, problem in sorted(problems.items())]
        connection.execute(insertion.on_conflict_do_update(index_elements=["queue"], set_=values), rows)


def pause(connection: Connection, until: float) -> None:
    """Pause the translation of all queues; 0 ends the pause."""
    insertion = INSERT[connection.dialect.name](translators)
    values = {"paused_until": insertion.excluded.paused_until}
    rows = [{"queue": queue, "paused_until": until} for queue in QUEUES]
    connection.execute(insertion.on_conflict_do_update(index_elements=["queue"], set_=values), rows)


def states(connection: Connection, now: float) -> tuple[QueueState, ...]:
    """Return the state of every queue; ``now`` in epoch seconds."""
    rows = {row.queue: row for row in connection.execute(select(translators))}
    return tuple(_state(connection, queue, rows.get(queue), now) for queue in QUEUES)


def newest_pending(connection: Connection, direction: str) -> float | None:
    """Return when the newest pending message was received, in epoch seconds."""
    newest = (
        select(messages.c.received_at)
        .join(pending, pending.c.message_id == messages.c.id)
        .where(messages.c.direction == direction)
        .order_by(pending.c.sequence.desc())
        .limit(1)
    )
    at: float | None = connection.execute(newest).scalar()
    return at


def is_in_hand(connection: Connection, message_id: str) -> bool:
    """Return whether a translator has the message in its round."""
    return any(f'"{message_id}' in work for work in connection.execute(select(rounds.c.work)).scalars())


def waiting(connection: Connection, message_ids: Collection[str]) -> set[str]:
    """Return which of these messages are pending or in a round.

    It reads all pending messages, so it is for rare queries.
    """
    pending_ids = set(
        connection.execute(select(pending.c.message_id).where(pending.c.message_id.in_(message_ids))).scalars()
    )
    works = connection.execute(select(rounds.c.work)).scalars().all()
    return pending_ids | {one for one in message_ids if any(f'"{one}' in work for work in works)}


def _state(connection: Connection, queue: str, row: Row[Any] | None, now: float) -> QueueState:
    waiting = connection.execute(select(func.count()).where(pending.c.queue == queue)).scalar_one()
    oldest = (
        select(messages.c.received_at)
        .join(pending, pending.c.message_id == messages.c.id)
        .where(pending.c.queue == queue)
        .order_by(pending.c.sequence)
        .limit(1)
    )
    at: float | None = connection.execute(oldest).scalar() if waiting else None
    beat_at, paused_until, problem = (row.beat_at, row.paused_until, row.problem) if row else (0.0, 0.0, "")
    age = None if at is None else max(0.0, now - at)
    is_alive = now - beat_at <= ALIVE_SECONDS
    direction, is_paused = direction_of_queue(queue), paused_until > now
    return QueueState(queue, direction, waiting, age, beat_at, is_paused, problem if is_alive else "")
