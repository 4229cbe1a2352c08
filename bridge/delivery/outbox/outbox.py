"""Outbox: insertion, claims and settlement of deliveries."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from bridge.delivery import lanes
from bridge.delivery.database.engine import Database
from bridge.delivery.database.rows import insert_returning, insert_rows
from bridge.delivery.database.tables import deliveries, sinks
from bridge.delivery.outbox.claims import Claim, Room, born, claims, hold, is_due, take
from bridge.delivery.outbox.samples import last_accepted_at
from bridge.delivery.outbox.settling import Settlement, settle
from bridge.delivery.rules.retry import Fate, Throttling, is_throttled, least_pause, throttled_again
from bridge.delivery.rules.sink import Happened, Outcome, Sink

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

    def settle(self, sink: str, settled: Sequence[Settlement], began: float, now: float) -> None:
        """Record outcomes and execute decisions.

        A settlement of a lost claim changes nothing.
        """
        with self._database.writing(hasty=True) as connection:
            settle(connection, sink, settled, began, now)
            self._pause(connection, sink, settled, now)

    def pause(self, sink: str, now: float) -> float:
        """Return the seconds for which no worker may call ``sink``."""
        until = select(sinks.c.paused_until).where(sinks.c.name == sink)
        with self._database.reading() as connection:
            return max(0.0, (connection.execute(until).scalar() or 0.0) - now)

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

    def _pause(self, connection: Connection, sink: str, settled: Sequence[Settlement], now: float) -> None:
        pauses = [one for one in settled if one.decision.pause_until is not None]
        if not pauses:
            return
        latest = max(pauses, key=lambda one: one.decision.pause_until or 0.0)
        until, reason = latest.decision.pause_until or now, _reason(latest.outcome)
        if any(is_throttled(one.outcome) for one in settled):
            until = max(until, now + self._least_pause(connection, sink, now))
        untried = latest.outcome.happened is Happened.UNTRIED
        # A delivery without a call only knows that there is a pause. The call that began the pause has the reason.
        cause = case((sinks.c.paused_until > now, sinks.c.reason), else_=reason) if untried else reason
        connection.execute(
            self._database.insert(sinks)
            .values(name=sink, paused_until=until, reason=reason)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"paused_until": until, "reason": cause},
                where=sinks.c.paused_until < until,
            )
        )

    def _least_pause(self, connection: Connection, sink: str, now: float) -> float:
        """Count an answer of 429 for all processes.

        Returns the seconds that the sink pauses at least.
        """
        row = connection.execute(select(sinks).where(sinks.c.name == sink)).first()
        last = Throttling(row.throttled, row.throttled_at) if row and row.throttled else None
        in_force = select(sinks.c.name).where(sinks.c.name == sink, sinks.c.paused_until > now)
        # Calls at the same time had the same answer, which is no repetition.
        if last is None or connection.execute(in_force).first() is None:
            last = throttled_again(last, last_accepted_at(connection, sink), now)
            values = {"throttled": last.times, "throttled_at": last.at}
            connection.execute(
                self._database.insert(sinks)
                .values(name=sink, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )
        return least_pause(last.times)


def _reason(outcome: Outcome) -> str:
    if outcome.happened is Happened.UNTRIED:
        return "the rate limit is reached"
    if outcome.because:
        return outcome.because
    return f"{outcome.happened} ({outcome.code})" if outcome.code else outcome.happened
