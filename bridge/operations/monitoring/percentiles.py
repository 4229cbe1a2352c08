"""Percentiles of a histogram, pure."""

from collections.abc import Sequence
from math import isinf


def percentile(histogram: Sequence[tuple[float, int]], share: float) -> float | None:
    """Return the seconds within which ``share`` (0 to 1) of all deliveries ended.

    It assumes that each bucket is evenly filled.

    Args:
        histogram: (upper bound, number), in the order of the bounds. Empty buckets may be missing. The last bucket has
            no upper bound.

    Returns:
        None if the histogram is empty.
    """
    wanted = share * sum(count for _, count in histogram)
    lower, passed = 0.0, 0
    for upper, count in histogram:
        if count and passed + count >= wanted:
            return lower if isinf(upper) else min(upper, lower + (upper - lower) * (wanted - passed) / count)
        lower, passed = upper, passed + count
    return None
