"""How the threads of this process take turns: there are dozens, and Python lets one compute at a time."""

import gc
import os
import sys
from contextlib import suppress

CIRCLES = (10_000, 20, 50)
"""How many new objects Python looks among for circles, and how much more seldom among older ones. A request makes some
thousands, and they are gone with it: at Python's own 700 it was looked through several times."""


def take_turns() -> None:
    """For the thread that calls it, and all that it will start."""
    gc.set_threshold(*CIRCLES)
    if sys.platform == "linux":
        # Who is woken does not interrupt who computes: all it could do is wait for the interpreter.
        # Source: https://man7.org/linux/man-pages/man7/sched.7.html
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
