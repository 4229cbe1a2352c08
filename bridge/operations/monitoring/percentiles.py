"""PURE: what a histogram says about how long it took."""

from collections.abc import Sequence
from math import isinf


def percentile(histogram: Sequence[tuple[float, int]], share: float) -> float | None:
    """Seconds within which ``share`` (0 to 1) of all were done, taking each bucket to be evenly filled.

    Args:
        histogram: (upper bound, how many), in the order of the bounds; empty buckets may be missing. Of those beyond
            the last bound only that is known.

    Returns:
        None if there is nothing.
    """
    wanted = share * sum(count for _, count in histogram)
    lower, passed = 0.0, 0
    for upper, count in histogram:
        if count and passed + count >= wanted:
            return lower if isinf(upper) else min(upper, lower + (upper - lower) * (wanted - passed) / count)
        lower, passed = upper, passed + count
    return None
