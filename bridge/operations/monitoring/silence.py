"""PURE: whether a direction has gone quiet. Voucherify switches a webhook off after twelve failures, and says nothing.

What is usual differs by the shop and by the hour, so silence is measured by the longest lull of the week before: half
as long again is too long, and less than an hour never is.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SHORTEST = 3600.0
"""Seconds for which it may be quiet, whatever is usual."""

LONGER = 1.5
"""Times the longest lull: silence."""

ENOUGH = 12
"""Intervals in which something came: with fewer nobody knows what is usual."""


class Interval(NamedTuple):
    """A time in which something arrived: from its start to its end, in epoch seconds."""

    start: float
    end: float


class Silence(NamedTuple):
    """Nothing has arrived since (epoch seconds; 0: nobody knows any more), when at most so many seconds are usual."""

    since: float
    usual: float


def silence(arrivals: Sequence[Interval], *, ever: bool, now: float) -> Silence | None:
    """Whether nothing arrives any more.

    Args:
        arrivals: in order; where nothing is known of longer ago.
        ever: whether anything arrived before all of them.
        now: epoch seconds.
    """
    if not arrivals:
        return Silence(0.0, 0.0) if ever else None
    if len(arrivals) < ENOUGH:
        return None
    usual = max(later.start - earlier.end for earlier, later in pairwise(arrivals))
    since = arrivals[-1].end
    return Silence(since, max(0.0, usual)) if now - since > max(SHORTEST, LONGER * usual) else None
