"""File locks of one process, which a forked child does not have."""

import fcntl
import os
import socket
import weakref
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
"""Mode of each file, for its owner alone."""

process_only: "weakref.WeakSet[BinaryIO | socket.socket]" = weakref.WeakSet()
"""Files that a forked child must close.

A lock or a bell ends when the last process closes it.
"""


def _close_in_child() -> None:
    for one in list(process_only):
        one.close()


os.register_at_fork(after_in_child=_close_in_child)


def lock(path: Path) -> BinaryIO:
    """Lock a file for this process alone.

    Raises BlockingIOError while another process has it.
    """
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE), "ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    process_only.add(file)
    return file


def unlock(file: BinaryIO) -> None:
    """Release a lock at once, even if a forked child has the file open."""
    if not file.closed:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
        file.close()


def is_locked(path: Path) -> bool:
    """Return whether a process has locked a file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def is_same(file: BinaryIO, path: Path) -> bool:
    """Return whether an open file is the one at ``path``."""
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def remove(path: Path) -> None:
    """Remove a file if that is possible."""
    with suppress(OSError):
        path.unlink()


class Seat:
    """Right to run the embedded worker.

    It ends with the process, and a forked child does not have it.
    """

    def __init__(self, lock: BinaryIO | None) -> None:
        self._lock = lock

    def close(self) -> None:
        """Release the seat, so that another process can be elected."""
        if self._lock:
            unlock(self._lock)
