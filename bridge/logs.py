"""Log: one line per event, in UTC, to standard error.

It is readable text in a terminal, and JSON elsewhere. No line holds a secret, personal data or a stack trace: lines
have names, counts, ids, and reasons of the bridge's own.
"""

import atexit
import os
import sys
import threading
import time
import traceback
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import structlog

from bridge.prose import scrub

_log = structlog.get_logger("bridge")

GATHERING_SECONDS = 0.05
"""Seconds that a line may wait for others."""

MOST = 10_000
"""Lines that wait for the writer; of more, the oldest are lost."""


def configure(level: str = "info") -> None:
    """Configure the log once per process; later calls change nothing.

    Args:
        level: the lowest level that is logged. Lower lines cost almost nothing.
    """
    if structlog.is_configured():
        return
    readable = sys.stderr.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            _without_persons,
            structlog.processors.EventRenamer("message") if not readable else _as_it_is,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,  # otherwise every line costs twice as much
        logger_factory=structlog.WriteLoggerFactory(sys.stderr) if readable else Gathered(sys.stderr),
    )


_FREE = ("event_name", "reason")
"""Keys of texts that others may have written."""


def _without_persons(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    for key in _FREE:
        if text := event.get(key):
            event[key] = scrub(str(text))
    return event


def _as_it_is(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return event


class Gathered:
    """Writes lines together, some time after they came, and warnings at once.

    For a write, a thread releases the interpreter, and waits among dozens to get it back. With a line for each webhook,
    that was half of all context switches. Writing them together gains 14 % of the requests.
    """

    _has_writer: bool

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begin()
        atexit.register(self._flush)
        os.register_at_fork(before=self._flush, after_in_child=self._begin)

    def __call__(self, *_: Any) -> "Gathered":
        """Return itself, since structlog calls a factory for each logger."""
        return self

    def info(self, line: str) -> None:
        """Write a line soon."""
        self._lines.append(line)
        if not self._has_writer:
            self._has_writer = True
            threading.Thread(target=self._write, name="log", daemon=True).start()
        if not self._there_are_some.is_set():
            self._there_are_some.set()

    def error(self, line: str) -> None:
        """Write a line at once, with all lines before it."""
        self._lines.append(line)
        self._flush()

    debug, warning, critical = info, error, error

    def _begin(self) -> None:
        """Reset the log, also in a process that was just forked.

        The writer thread does not exist there, and the parent writes its own lines.
        """
        self._lines: deque[str] = deque(maxlen=MOST)
        self._there_are_some = threading.Event()
        self._writing = threading.Lock()
        self._has_writer = False

    def _write(self) -> None:
        while self._there_are_some.wait():
            time.sleep(GATHERING_SECONDS)
            self._there_are_some.clear()
            self._flush()

    def _flush(self) -> None:
        # A full disk or a closed reader must not end the thread.
        with self._writing, suppress(OSError, ValueError):
            if lines := [f"{self._lines.popleft()}\n" for _ in range(len(self._lines))]:
                self._stream.write("".join(lines))
                self._stream.flush()


class Sparing:
    """Passes the same complaint once a minute, with the number of the others."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def admits(self, complaint: str) -> int | None:
        """Return how many there were since the last one that passed, or None.

        The number includes this one. None means that this one must not be logged.
        """
        now = time.monotonic()
        with self._lock:
            held = self._held.get(complaint, 0) + 1
            if now - self._last.get(complaint, -self._seconds) < self._seconds:
                self._held[complaint] = held
                return None
            self._last[complaint], self._held[complaint] = now, 0
            return held


def places(error: Exception) -> list[str]:
    """Return where an exception was raised, as ``file:line`` of the bridge's frames.

    The text of the exception may hold personal data, so it is not used.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "bridge" in Path(frame.filename).parts]
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours or frames[-1:]]


_unexpected: Counter[str] = Counter()
_counting = threading.Lock()


def unexpected(thread: str, error: Exception, **context: object) -> None:
    """Log and count an unexpected exception.

    Args:
        thread: what was running: ``request``, ``translator``, ``worker``, …
        context: ids; never values of a message.
    """
    with _counting:
        _unexpected[thread] += 1
    _log.error("unexpected error", thread=thread, error=type(error).__name__, places=places(error), **context)


def taken_unexpected() -> Counter[str]:
    """Return and reset the counts of exceptions by thread; the caller stores them."""
    with _counting:
        counts = _unexpected.copy()
        _unexpected.clear()
    return counts
