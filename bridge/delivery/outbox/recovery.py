"""Recovery of a sink: a careful call after a 429, and a quick end of an outage.

    a 429 ────────────────────▶ the next claim is a single delivery, the probe ──▶ its outcome ends the probe
    the service fails ────────▶ ramp = 1
    the service works again ──▶ ``ramp`` deliveries that are held up become due, and the ramp doubles
    nothing is held up ───────▶ ramp = 0

Without this, deliveries of an outage would wait for the rest of their long pauses. All at once, they could bring the
service down again.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, case, select, text, update

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import deliveries, sinks
from bridge.delivery.rules.retry import LONGEST_RAMP, blames_service, is_throttled, shows_service_works
from bridge.delivery.rules.sink import Happened, Outcome

_columns = deliveries.c

# Literal values, as in the partial index that answers the query.
_HELD_UP = (
    select(_columns.id)
    .where(_columns.sink == bindparam("of_sink"), text("deliveries.status = 'waiting' AND deliveries.held_up"))
    .where(_columns.due_at > bindparam("now"))
    .order_by(_columns.due_at, _columns.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)

_BRING_FORWARD = (
    update(deliveries)
    .where(_columns.id.in_(_HELD_UP))
    .values(due_at=bindparam("now"), brought_at=bindparam("now"), held_up=None)
)

_doubled = case((sinks.c.ramp * 2 < LONGEST_RAMP, sinks.c.ramp * 2), else_=LONGEST_RAMP)


def recover(connection: Connection, sink: str, outcomes: Sequence[Outcome], now: float) -> None:
    """Draw the conclusions of these outcomes for the other deliveries of the sink."""
    _end_probe(connection, sink, outcomes, now)
    if any(map(shows_service_works, outcomes)):
        advance(connection, sink, now)
    elif any(map(blames_service, outcomes)):
        insertion = INSERT[connection.dialect.name](sinks).values(name=sink, ramp=1)
        connection.execute(
            insertion.on_conflict_do_update(index_elements=["name"], set_={"ramp": 1}, where=sinks.c.ramp != 1)
        )


def advance(connection: Connection, sink: str, now: float) -> None:
    """Bring the next deliveries forward, if the sink recovers."""
    doubling = update(sinks).where(sinks.c.name == sink, sinks.c.ramp > 0).values(ramp=_doubled)
    doubled = connection.execute(doubling.returning(sinks.c.ramp)).scalar()
    if doubled is None:
        return
    most = doubled // 2
    brought = connection.execute(_BRING_FORWARD, {"of_sink": sink, "now": now, "most": most}).rowcount
    if brought < most:
        connection.execute(update(sinks).where(sinks.c.name == sink).values(ramp=0))


def resume(connection: Connection, sink: str, now: float) -> None:
    """Begin a recovery after an operator has ended a pause."""
    connection.execute(update(sinks).where(sinks.c.name == sink).values(ramp=1))
    connection.execute(update(sinks).where(sinks.c.name == sink, sinks.c.probe_until > 0.0).values(probe_until=0.0))
    advance(connection, sink, now)


def _end_probe(connection: Connection, sink: str, outcomes: Sequence[Outcome], now: float) -> None:
    own = sinks.c.name == sink
    happened = {one.happened for one in outcomes}
    if any(map(is_throttled, outcomes)):
        connection.execute(update(sinks).where(own).values(probe_until=0.0))
    elif happened == {Happened.UNTRIED}:  # the probe was not sent: another one may be
        connection.execute(update(sinks).where(own, sinks.c.probe_until > 0.0).values(probe_until=0.0))
    elif any(map(shows_service_works, outcomes)):
        connection.execute(update(sinks).where(own, sinks.c.probe_until.is_not(None)).values(probe_until=None))
    elif happened:  # of the probe, if there is one: the delays of each delivery are enough
        connection.execute(update(sinks).where(own, sinks.c.probe_until > now).values(probe_until=None))
