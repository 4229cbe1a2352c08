"""Calls that did not prove who sent them: counted in memory, since nobody unknown may make the bridge write."""

import threading
from collections import Counter


class Refusals:
    """How many there were, by direction, that are not written down yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, direction: str) -> None:
        """One more."""
        with self._lock:
            self._counts[direction] += 1

    def take(self) -> Counter[str]:
        """Those that there are; from now on they are the caller's to write down."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def give_back(self, taken: Counter[str]) -> None:
        """They could not be written down."""
        with self._lock:
            self._counts += taken
