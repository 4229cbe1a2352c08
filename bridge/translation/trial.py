"""Trial: run a translation in a process of its own, to see whether it ends that process.

A process that dies may have had several rounds in hand, and only one event that is at fault; or an operator killed it.
So an event is called poisonous by a proof, not by the number of deaths beside it.

The process is a new one. A fork would end the threads of this one: see ``delivery.process.crew``.
"""

import pickle
import subprocess
import sys
from collections.abc import Callable

TRIAL_SECONDS = 20.0
"""Seconds of the longest trial, with the start of its process."""

_PROGRAM = f"from {__name__} import main; main()"


def survives(translate: Callable[..., object], *arguments: object) -> bool:
    """Return whether a process lives after a call of ``translate``.

    An error does not end it. The function and the arguments are pickled.
    """
    command, given = [sys.executable, "-c", _PROGRAM], pickle.dumps((translate, arguments))
    try:
        ended = subprocess.run(  # noqa: S603 - this Python, and a program of the bridge
            command,
            input=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode >= 0  # a negative code is the signal that ended it


def main() -> None:
    """Call the function that is given on standard input."""
    translate, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that started this one
    translate(*arguments)
