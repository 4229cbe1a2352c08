"""The loop of a thread that works: step after step, and no error ends it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bridge.errors import StoreUnavailable
from bridge.logs import Sparing, unexpected

LONGEST_PAUSE_SECONDS = 5.0
"""The longest pause after an error."""

_log = structlog.get_logger("bridge.loop")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a loop pauses when there is nothing to do.

    Attributes:
        seconds: the pause.
        first_seconds: the first pause, if it is another.
        wake: ends a pause.
    """

    seconds: float
    first_seconds: float | None = None
    wake: threading.Event | None = None


def repeat(
    step: Callable[[], bool],
    stop: threading.Event,
    pace: Pace,
    thread: str,
    recover: Callable[[], None] = lambda: None,
    **context: str,
) -> None:
    """Call ``step`` until ``stop`` is set: at once again while there is more to do, else after a pause.

    It begins with a pause: a process that is about to fork has nothing in hand yet. Errors make the pauses longer.

    Args:
        step: returns whether there is more to do at once.
        thread: its name in the log and in the count of unexpected errors.
        recover: is called after an unexpected error.
        context: names for the log.
    """
    complaints, troubles = Sparing(), 0
    pause = pace.first_seconds or pace.seconds
    while not stop.is_set():
        if pace.wake and not troubles:
            pace.wake.wait(pause)
            pace.wake.clear()
        else:
            stop.wait(min(pause * 2.0**troubles, LONGEST_PAUSE_SECONDS))
        pause = pace.seconds
        try:
            while not stop.is_set() and step():
                pass
            troubles = 0
        except StoreUnavailable as error:
            troubles += 1
            _complain(complaints, error, thread=thread, **context)
        except Exception as error:  # noqa: BLE001 - a thread that ended would lose events in silence
            troubles += 1
            unexpected(thread, error, **context)
            recover()


def _complain(complaints: Sparing, error: StoreUnavailable, **context: str) -> None:
    if times := complaints.admits("store unavailable"):
        _log.error("store unavailable", reason=str(error), times=times, **context)
