"""Silence of a direction, pure.

Voucherify switches a webhook off after twelve failures, and sends no notice.

The usual pause differs by shop and by hour. So silence is measured by the longest pause of the week before: 1.5 times
as long is silence, and less than an hour never is.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SHORTEST = 3600.0
"""Seconds below which no pause is silence."""

LONGER = 1.5
"""Factor of the longest usual pause that makes silence."""

ENOUGH = 12
"""Intervals with messages from which on a usual pause is known."""


class Interval(NamedTuple):
    """A time in which messages arrived, in epoch seconds."""

    start: float
    end: float


class Silence(NamedTuple):
    """Silence since a time (epoch seconds), and the longest usual pause.

    The time is 0 if it is too long ago to be known.
    """

    since: float
    usual: float


def silence(arrivals: Sequence[Interval], *, ever: bool, now: float) -> Silence | None:
    """Return the silence of a direction, or None.

    Args:
        arrivals: in order, as far back as the counts reach.
        ever: whether messages arrived before all of them.
        now: epoch seconds.
    """
    if not arrivals:
        return Silence(0.0, 0.0) if ever else None
    if len(arrivals) < ENOUGH:
        return None
    usual = max(later.start - earlier.end for earlier, later in pairwise(arrivals))
    since = arrivals[-1].end
    return Silence(since, max(0.0, usual)) if now - since > max(SHORTEST, LONGER * usual) else None
