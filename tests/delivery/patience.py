"""Waiting for what happens on another thread or in another process, and never for ever."""

import time
from collections.abc import Callable

SECONDS = 20.0


def until(condition: Callable[[], object]) -> None:
    """Return as soon as it holds."""
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.005)
