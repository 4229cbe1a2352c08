"""Presence: the sign that a process lives and makes progress."""

import os
import time
from pathlib import Path
from typing import BinaryIO

from bridge.host.locks import is_same, lock, remove, unlock

TICK_SECONDS = 1.0
"""Seconds between two touches of a presence file."""


class Presence:
    """Sign that a process lives; a forked child makes its own.

    Attributes:
        holder: name of the process, unique over all hosts.
    """

    def __init__(self, folder: Path, holder: str) -> None:
        self.holder = holder
        self._path = folder / f"{holder}.alive"
        self._pid = os.getpid()
        self._lock: BinaryIO | None = None
        self._ticked_at = time.monotonic() - TICK_SECONDS
        self.tick()

    def tick(self) -> None:
        """Record progress.

        The file is touched at most once a second, and created again if it is missing.
        """
        now = time.monotonic()
        if now - self._ticked_at < TICK_SECONDS or os.getpid() != self._pid:
            return
        self._ticked_at = now
        try:
            if self._lock is None or not is_same(self._lock, self._path):
                self._release()
                self._lock = lock(self._path)
            os.utime(self._lock.fileno())
        except OSError:  # without a lock, the file would say that the process is dead
            remove(self._path)

    def close(self) -> None:
        """Remove the sign; the process has no lease any more."""
        if os.getpid() == self._pid:
            remove(self._path)
        self._release()

    def _release(self) -> None:
        if self._lock:
            unlock(self._lock)
        self._lock = None
