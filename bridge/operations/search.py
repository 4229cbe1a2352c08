"""Search for events: ids of the matching events, newest first.

It reads little more than the matching rows, however many events there are.

Ranges of an index answer a filter. In each range the ids are in order, so the newest matches are read from its end. The
newest of all ranges together are the result. The most selective part of a filter chooses the index, and the rest is
checked in each row.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
    union,
)
from ulid import ULID

from bridge.delivery.database.tables import CUSTOMER_PREFIX, customer_prefix, deliveries, events
from bridge.delivery.rules.retry import Fate
from bridge.directions import DIRECTIONS
from bridge.messages import Status

_ID_TIME = 10
"""Characters of an id that are its time."""

_LAST_TIME = (1 << 48) / 1000 - 1
"""Epoch seconds of the last time that an id can hold."""

# Literal values, as in the partial index that answers the query.
_QUARANTINED: ColumnElement[str] = literal_column("'quarantined'")

_KEPT = (Status.ACCEPTED, Status.IGNORED, Status.QUARANTINED, Fate.DISCARDED)
"""Statuses of an event itself.

A discarded event was quarantined before. A delivered event has its status from its delivery.
"""

STATUSES = (*map(str, Fate), str(Status.IGNORED), str(Status.QUARANTINED))
"""Statuses that a filter accepts."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on events; None is no condition.

    Attributes:
        status: of the event (ignored, quarantined), or of its delivery (waiting, delivered, dead).
        event: its name, as at Segment.
        customer: the ``source_id``.
        direction: the key of a direction.
        before: an event's id; only older ones.
        after: an event's id, or ""; only newer ones, and the oldest of these first.
        since, until: limits of its receipt, in epoch seconds, without ``until`` itself.
        error: a text in the cause of a failure, or in the reason of a quarantine, in any case.
    """

    status: str | None = None
    event: str | None = None
    customer: str | None = None
    direction: str | None = None
    before: str | None = None
    after: str | None = None
    since: float | None = None
    until: float | None = None
    error: str | None = None


def fitting(connection: Connection, wanted: Filter, limit: int) -> list[str]:
    """Return the ids of the newest matching events; with ``after``, the oldest."""
    candidates = _found(wanted, limit)
    return list(
        connection.execute(select(candidates.c.id).order_by(_in_order(wanted, candidates.c.id)).limit(limit)).scalars()
    )


def count(connection: Connection, wanted: Filter, most: int) -> int:
    """Count the matching events, up to ``most``."""
    number: int = connection.execute(select(func.count()).select_from(_found(wanted, most))).scalar_one()
    return min(number, most)


def _found(wanted: Filter, limit: int) -> Subquery:
    return union(*(select(one.limit(limit).subquery().c.id) for one in _ranges(wanted))).subquery()


def _in_order(wanted: Filter, column: ColumnElement[str]) -> ColumnElement[str]:
    return column.desc() if wanted.after is None else column.asc()


def standing(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions on the status, for an event joined with a delivery."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        undelivered = and_(deliveries.c.id.is_(None), events.c.status == wanted.status)
        conditions.append(or_(deliveries.c.status == wanted.status, undelivered))
    if wanted.error is not None:
        conditions.append(or_(_failed_with(wanted.error), _quarantined_with(wanted.error)))
    return conditions


def all_conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return all conditions, for an event joined with a delivery.

    For queries that read all matching rows.
    """
    return [*_within(wanted, events.c.id), *_of_event(wanted), *standing(wanted)]


def _ranges(wanted: Filter) -> Sequence[Select[Any]]:
    directions = [wanted.direction] if wanted.direction is not None else DIRECTIONS
    if wanted.customer is not None:
        return [_events(wanted)]
    if wanted.error is not None:
        return [
            _deliveries(wanted, _failed_with(wanted.error)),
            _events(replace(wanted, error=None), _quarantined_with(wanted.error)),
        ]
    if wanted.status in set(Fate) and not (wanted.status == Fate.DELIVERED and wanted.event is not None):
        columns = deliveries.c
        ranges = [
            _deliveries(wanted, columns.sink == sink, columns.status == wanted.status)
            for sink in (row.sink for key, row in DIRECTIONS.items() if key in directions)
        ]
        return [*ranges, *(_by_event(wanted, directions) if wanted.status in _KEPT else ())]
    return _by_event(wanted, directions)


def _by_event(wanted: Filter, directions: Collection[str]) -> Sequence[Select[Any]]:
    columns = events.c
    if wanted.event is not None:
        return [
            _events(wanted, columns.direction == direction, columns.event == wanted.event) for direction in directions
        ]
    if wanted.status is None and wanted.direction is None:
        return [_events(wanted)]
    statuses = [wanted.status] if wanted.status in _KEPT else _KEPT
    return [
        _events(wanted, columns.direction == direction, columns.status == status)
        for direction in directions
        for status in statuses
    ]


def _events(wanted: Filter, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Return a range of events.

    Conditions on a delivery apply to each of their deliveries.
    """
    statement = select(events.c.id).where(*conditions, *_within(wanted, events.c.id), *_of_event(wanted))
    if wanted.status is not None:
        own = deliveries.c.event_id == events.c.id
        stands = exists().where(own, deliveries.c.status == wanted.status)
        statement = statement.where(or_(stands, and_(events.c.status == wanted.status, ~exists().where(own))))
    if wanted.error is not None:
        own = deliveries.c.event_id == events.c.id
        statement = statement.where(
            or_(exists().where(own, _failed_with(wanted.error)), _quarantined_with(wanted.error))
        )
    return statement.order_by(_in_order(wanted, events.c.id))


def _deliveries(wanted: Filter, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Return a range of deliveries.

    Conditions on an event apply to their events.
    """
    columns = deliveries.c
    statement = select(columns.event_id.label("id")).distinct().where(*conditions, *_within(wanted, columns.event_id))
    if wanted.status is not None:
        statement = statement.where(columns.status == wanted.status)
    if wanted.event is not None:
        statement = statement.where(columns.event == wanted.event)
    if asked := _of_event(replace(wanted, event=None)):
        statement = statement.where(exists().where(events.c.id == columns.event_id, *asked))
    return statement.order_by(_in_order(wanted, columns.event_id))


def _of_event(wanted: Filter) -> list[ColumnElement[bool]]:
    exact = {events.c.event: wanted.event, events.c.direction: wanted.direction}
    asked = [column == value for column, value in exact.items() if value is not None]
    return asked if wanted.customer is None else [*asked, *_of_customer(wanted.customer)]


def _of_customer(customer: str) -> list[ColumnElement[bool]]:
    """Return the condition on a customer in two parts.

    The index holds the first part. Of the whole id, SQLite would make a constant, and scan.
    """
    rest = func.substr(events.c.customer, CUSTOMER_PREFIX + 1) == customer[CUSTOMER_PREFIX:]
    return [events.c.customer.is_not(None), customer_prefix == customer[:CUSTOMER_PREFIX], rest]


def _within(wanted: Filter, column: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """Return the conditions on a time, since ids begin with their time."""
    conditions = []
    if wanted.before is not None:
        conditions.append(column < wanted.before)
    if wanted.after is not None:
        conditions.append(column > wanted.after)
    if wanted.since is not None:
        conditions.append(column >= _first_id(wanted.since))
    if wanted.until is not None:
        conditions.append(column < _first_id(wanted.until))
    return conditions


def _first_id(at: float) -> str:
    return str(ULID.from_timestamp(min(max(at, 0.0), _LAST_TIME)))[:_ID_TIME]


def _failed_with(error: str) -> ColumnElement[bool]:
    # The condition that there is one is repeated, as in the partial index that answers the query.
    return and_(deliveries.c.cause.is_not(None), deliveries.c.cause.icontains(error, autoescape=True))


def _quarantined_with(error: str) -> ColumnElement[bool]:
    return and_(events.c.status == _QUARANTINED, events.c.reason.icontains(error, autoescape=True))
