"""Trial: run a translation in a process of its own, to see whether it ends that process.

A process that dies may have had several rounds in hand, and only one event that is at fault; or an operator killed it.
So an event is called poisonous by a proof, not by the number of deaths beside it.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable

TRIAL_SECONDS = 20
"""Seconds after which a trial ends itself, as failed."""


def survives(translate: Callable[[], object]) -> bool:
    """Return whether a copy of this process is alive after ``translate``."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside threads: their locks stay locked in the copy. A translation needs none.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.alarm(TRIAL_SECONDS)
        code = 1
        try:
            translate()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0
