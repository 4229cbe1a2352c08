"""How the bridge logs: one line an event, in UTC, to standard error; readable in a terminal, JSON elsewhere.

No line holds a secret, a person's data or a stack trace: what is logged are names, counts, ids and reasons of the
bridge's own.
"""

import sys
import threading
import time
from typing import Any

import structlog


def configure(level: str = "info") -> None:
    """Set it up, once a process: who has done so already keeps it.

    Args:
        level: the least that is logged. What is below costs next to nothing.
    """
    if structlog.is_configured():
        return
    readable = sys.stderr.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.EventRenamer("what") if not readable else _as_it_is,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,  # else every line costs as much again
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )


def _as_it_is(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return event


class Sparing:
    """Lets the same complaint through once a minute, with a count of those that were held back."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def admits(self, complaint: str) -> int | None:
        """How many there have been since the last one that was let through, this one included; None if it is held."""
        now = time.monotonic()
        with self._lock:
            held = self._held.get(complaint, 0) + 1
            if now - self._last.get(complaint, -self._seconds) < self._seconds:
                self._held[complaint] = held
                return None
            self._last[complaint], self._held[complaint] = now, 0
            return held
