"""Waiting for what other processes do: by polling, up to a deadline."""

import time
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds: far more than anything here takes, so that only what never happens runs into it."""


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"it never came to this: {what}"
        time.sleep(0.02)
