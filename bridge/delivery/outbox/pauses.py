"""Pauses that a service causes, for the workers of all processes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, select

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import sinks
from bridge.delivery.outbox.samples import last_accepted_at
from bridge.delivery.outbox.settling import Settlement
from bridge.delivery.rules.retry import Throttling, is_throttled, least_pause, throttled_again
from bridge.delivery.rules.sink import Happened, Outcome


def pause(connection: Connection, sink: str, settled: Sequence[Settlement], now: float) -> float | None:
    """Pause the sink as the decisions say.

    Returns:
        The end of the pause that begins, in epoch seconds; None if none begins, or one is in force.
    """
    pauses = [one for one in settled if one.decision.pause_until is not None]
    if not pauses:
        return None
    row = connection.execute(select(sinks).where(sinks.c.name == sink)).first()
    in_force = row is not None and row.paused_until > now
    latest = max(pauses, key=lambda one: one.decision.pause_until or 0.0)
    until, reason = latest.decision.pause_until or now, _reason(latest.outcome)
    if any(is_throttled(one.outcome) for one in settled):
        until = max(until, now + _least_pause(connection, sink, row, now))
    is_untried = latest.outcome.happened is Happened.UNTRIED
    # A delivery without a call only knows that there is a pause. The call that began the pause has the reason.
    cause = case((sinks.c.paused_until > now, sinks.c.reason), else_=reason) if is_untried else reason
    connection.execute(
        INSERT[connection.dialect.name](sinks)
        .values(name=sink, paused_until=until, reason=reason)
        .on_conflict_do_update(
            index_elements=["name"], set_={"paused_until": until, "reason": cause}, where=sinks.c.paused_until < until
        )
    )
    return None if in_force else until


def _least_pause(connection: Connection, sink: str, row: Row[Any] | None, now: float) -> float:
    """Count an answer of 429 for all processes.

    Returns the seconds that the sink pauses at least.
    """
    last = Throttling(row.throttled, row.throttled_at) if row and row.throttled else None
    # Calls at the same time had the same answer, which is no repetition.
    if row is None or last is None or row.paused_until <= now:
        last = throttled_again(last, last_accepted_at(connection, sink), now)
        values = {"throttled": last.times, "throttled_at": last.at}
        connection.execute(
            INSERT[connection.dialect.name](sinks)
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
