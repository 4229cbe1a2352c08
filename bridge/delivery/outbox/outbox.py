"""Outbox: insertion, claims and settlement of deliveries."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from bridge.delivery import lanes
from bridge.delivery.database.engine import Database
from bridge.delivery.database.rows import insert_returning, insert_rows
from bridge.delivery.database.tables import deliveries, sinks
from bridge.delivery.outbox.claims import Claim, Room, born, claims, hold, is_due, take
from bridge.delivery.outbox.pauses import pause
from bridge.delivery.outbox.recovery import recover
from bridge.delivery.outbox.settling import Settlement, settle
from bridge.delivery.rules.retry import Fate
from bridge.delivery.rules.sink import Sink

__all__ = ["Claim", "Outbox", "Settlement", "enqueue", "placed"]


def enqueue(
    connection: Connection, new: Sequence[tuple[Mapping[str, Any], bytes]], rooms: Mapping[str, Room], now: float
) -> dict[str, list[Claim]]:
    """Insert new deliveries, with their payloads as they will be sent.

    Args:
        rooms: by sink, the deliveries that a worker can begin soon. That many are inserted as ``sending``.
        now: epoch seconds.

    Returns:
        By sink, the claims of the deliveries that are ``sending``.
    """
    rows = [_born(row, rooms.get(row["sink"]), now) for row in placed(connection, [row for row, _ in new])]
    payloads = {(row["sink"], row["key"]): payload for row, payload in new}
    if all(row["status"] != Fate.SENDING for row in rows):
        insert_rows(connection, deliveries, rows)
        return {}
    ids = {(one.sink, one.key): one.id for one in insert_returning(connection, deliveries, rows, "id", "sink", "key")}
    claimed: dict[str, list[Claim]] = {}
    for row in rows:
        if row["status"] == Fate.SENDING:
            name = (row["sink"], row["key"])
            claimed.setdefault(row["sink"], []).append(born(row, ids[name], payloads[name], now))
    return claimed


def placed(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of new deliveries, with the status of their place in their lane."""
    wanted = {(row["sink"], row["lane"]) for row in rows if row["lane"] is not None}
    lanes.enter(connection, wanted)
    return lanes.place(rows, lanes.occupied(connection, wanted))


def _born(row: Mapping[str, Any], room: Room | None, now: float) -> dict[str, Any]:
    if row["status"] == Fate.WAITING and room and room.takes(row["size"]):
        return {**row, "status": Fate.SENDING, "claims": 1, "lease_expires_at": now + room.lease_seconds}
    return {**row, "claims": 0, "lease_expires_at": None}


class Outbox:
    """Deliveries of all sinks, shared by the workers of all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_due(self, sink: str, now: float) -> bool:
        """Return whether there is a delivery to send.

        The query is cheap, and may run often.
        """
        with self._database.reading() as connection:
            return is_due(connection, sink, now)

    def claim(self, sink: Sink, now: float, lease: float, most: int | None = None) -> list[Claim]:
        """Claim due deliveries for some seconds.

        They are those that are due longest, as many as ``sink`` accepts in one call, and at most ``most``.
        """
        with self._database.writing(hasty=True) as connection:
            claimed = take(connection, sink, now, lease, sink.max_count if most is None else most)
        return claims(claimed, now, lease)  # unpacked after the transaction, so that others can write

    def doubt(self, claimed: Sequence[Claim], now: float) -> list[Claim]:
        """Record the doubt of deliveries before they are sent.

        Returns the claims that are still valid.
        """
        if not claimed:
            return []
        with self._database.writing() as connection:
            return hold(connection, claimed, {"doubt_since": func.coalesce(deliveries.c.doubt_since, now)})

    def hand_back(self, claimed: Sequence[Claim], now: float) -> None:
        """Release claims that were not sent: they are due at once."""
        if claimed:
            with self._database.writing(hasty=True) as connection:
                hold(connection, claimed, {"status": Fate.WAITING, "due_at": now, "lease_expires_at": None})

    def settle(self, sink: str, settled: Sequence[Settlement], began: float, now: float) -> float | None:
        """Record outcomes and execute decisions.

        A settlement of a lost claim changes nothing.

        Returns:
            The end of the pause that begins, in epoch seconds; None if none begins, or one is in force.
        """
        with self._database.writing(hasty=True) as connection:
            settle(connection, sink, settled, began, now)
            begun = pause(connection, sink, settled, now)
            recover(connection, sink, [one.outcome for one in settled], now)
        return begun

    def pause(self, sink: str, now: float) -> float:
        """Return the seconds for which no worker may call ``sink``."""
        until = select(sinks.c.paused_until).where(sinks.c.name == sink)
        with self._database.reading() as connection:
            return max(0.0, (connection.execute(until).scalar() or 0.0) - now)

    def flows(self, sink: str, now: float) -> bool:
        """Return whether ``sink`` is neither paused nor probed."""
        own = select(sinks.c.paused_until, sinks.c.probe_until).where(sinks.c.name == sink)
        with self._database.reading() as connection:
            row = connection.execute(own).first()
        return row is None or (row.paused_until <= now and row.probe_until is None)

    def reserve(self, sink: str, interval: float, now: float) -> float:
        """Reserve the next free time for a call to ``sink``.

        The calls of all processes are ``interval`` seconds apart.

        Returns:
            The seconds until that time.
        """
        insertion = self._database.insert(sinks)
        free = case((sinks.c.next_call_at > now, sinks.c.next_call_at), else_=now)
        statement = (
            insertion.values(name=sink, next_call_at=now + interval)
            .on_conflict_do_update(index_elements=["name"], set_={"next_call_at": free + interval})
            .returning(sinks.c.next_call_at)
        )
        with self._database.writing() as connection:
            following: float = connection.execute(statement).scalar_one()
        return max(0.0, following - interval - now)
