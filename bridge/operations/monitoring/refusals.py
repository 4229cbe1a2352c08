"""Counts of refused requests, in memory.

An unknown sender must not make the bridge write to the database.
"""

import threading
from collections import Counter


class Refusals:
    """Numbers of refused requests by direction that are not stored yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, direction: str) -> None:
        """Count one request."""
        with self._lock:
            self._counts[direction] += 1

    def take(self) -> Counter[str]:
        """Return and reset the counts; the caller stores them."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts

    def give_back(self, counts: Counter[str]) -> None:
        """Add the counts again, because they could not be stored."""
        with self._lock:
            self._counts += counts
