"""Events whose data the database refuses: they are quarantined without it."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.exc import DBAPIError

from bridge.errors import StoreUnavailable
from bridge.messages import Arrival, Status
from bridge.translation.deciding import Unit
from bridge.translation.meaning import Event
from bridge.translation.replaying import Again
from bridge.translation.writing import Step

REFUSED = "the database refuses its content"
"""Reason of such an event."""

_DATA_ERRORS = ("22", "54")
"""Classes of SQLSTATE: data exceptions, and limits that are exceeded.

Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


def is_about_data(error: StoreUnavailable) -> bool:
    """Return whether the database refuses the data, and not the transaction."""
    cause = error.__cause__
    if not isinstance(cause, DBAPIError):
        return False
    sqlstate = getattr(cause.orig, "sqlstate", None)
    if sqlstate:
        return str(sqlstate).startswith(_DATA_ERRORS)
    return "too big" in str(cause.orig) or type(cause.orig).__name__ in ("DataError", "OverflowError")


def is_refused(steps: Sequence[Step]) -> bool:
    """Return whether the database refuses this one event."""
    [one, *others] = [step.one.event for step in steps]
    return not others and one is not None and one.arrival.reason == REFUSED


def refused(step: Step) -> Step:
    """Return the event as quarantined, without the refused data."""
    arrival = Arrival(Status.QUARANTINED, reason=REFUSED)
    if isinstance(step.one, Again):
        event = step.one.event and Event(step.one.event.id, arrival)
        return replace(step, one=Again(step.one.asked, step.one.message, event))
    return replace(step, one=Unit.of(step.one.message, Event(step.one.event.id, arrival)))
