"""Waiting for another thread or process, with a limit."""

import time
from collections.abc import Callable

SECONDS = 20.0


def until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds."""
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.005)
