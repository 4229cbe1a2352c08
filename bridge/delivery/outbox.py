"""What must go out: claimed for a while, and settled by whoever still holds the claim."""

from collections.abc import Sequence

from sqlalchemy import Connection, case, select

from bridge.delivery.claims import Claim, claims, is_due, take
from bridge.delivery.database import Database
from bridge.delivery.retry import Throttling, is_throttled, least_pause, throttled_again
from bridge.delivery.samples import last_accepted_at
from bridge.delivery.settling import Settlement, settle
from bridge.delivery.sink import Happened, Outcome, Sink
from bridge.delivery.tables import remembered, sinks

__all__ = ["Claim", "Outbox", "Settlement"]


class Outbox:
    """The deliveries of all sinks, shared by all workers of all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_due(self, sink: str, now: float) -> bool:
        """Whether there is anything to send: a cheap question, which may be asked often."""
        with self._database.reading() as connection:
            return is_due(connection, sink, now)

    def claim(self, sink: Sink, now: float, lease: float) -> list[Claim]:
        """Take what is due longest, as much as ``sink`` takes at once, for ``lease`` seconds."""
        with self._database.writing() as connection:
            taken = take(connection, sink, now, lease)
        return claims(taken, now)  # unpacked when others can write again

    def settle(self, sink: str, settled: Sequence[Settlement], began: float, now: float) -> None:
        """Record what happened, and do what was decided; a claim that was lost meanwhile changes nothing."""
        with self._database.writing() as connection:
            settle(connection, sink, settled, began, now)
            self._pause(connection, sink, settled, now)

    def pause(self, sink: str, now: float) -> float:
        """Seconds for which nobody may call ``sink``."""
        until = select(sinks.c.paused_until).where(sinks.c.name == sink)
        with self._database.reading() as connection:
            return max(0.0, (connection.execute(until).scalar() or 0.0) - now)

    def reserve(self, sink: str, interval: float, now: float) -> float:
        """Take the next free moment to call ``sink``, when calls are to be ``interval`` seconds apart, from everywhere.

        Returns:
            The seconds to wait for it.
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
        # Who did not even call knows only that there is a pause; why, says the one who was told to make it.
        told = case((sinks.c.paused_until > now, sinks.c.reason), else_=reason) if untried else reason
        connection.execute(
            self._database.insert(sinks)
            .values(name=sink, paused_until=until, reason=reason)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"paused_until": until, "reason": told},
                where=sinks.c.paused_until < until,
            )
        )

    def _least_pause(self, connection: Connection, sink: str, now: float) -> float:
        """Count an answer of 429, known to all processes; the seconds that it costs at least."""
        name = f"throttled {sink}"
        row = connection.execute(select(remembered).where(remembered.c.name == name)).first()
        last = Throttling(int(row.content), row.at) if row else None
        in_force = select(sinks.c.name).where(sinks.c.name == sink, sinks.c.paused_until > now)
        # Others that called at the same time were told the same: that is no repetition.
        if last is None or connection.execute(in_force).first() is None:
            last = throttled_again(last, last_accepted_at(connection, sink), now)
            values = {"content": str(last.times).encode(), "at": last.at}
            connection.execute(
                self._database.insert(remembered)
                .values(name=name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )
        return least_pause(last.times)


def _reason(outcome: Outcome) -> str:
    if outcome.happened is Happened.UNTRIED:
        return "the rate limit is reached"
    return f"{outcome.happened} ({outcome.code})" if outcome.code else outcome.happened
