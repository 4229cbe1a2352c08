"""Bell: the socket that wakes a worker."""

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from bridge.host.locks import PRIVATE, process_only, remove

REBIND_SECONDS = 1.0
"""Seconds between two checks that the file of the socket exists."""

STOP_SECONDS = 0.25
"""Seconds within which a bell notices that its worker must stop."""

ADDRESS_BYTES = 100
"""Bytes of a socket's address: 108 on Linux, 104 on macOS.

Source: https://man7.org/linux/man-pages/man7/unix.7.html
"""

_log = structlog.get_logger("bridge.host")


class Bell:
    """Socket on which a worker waits.

    One thread waits. Any thread of any process of the host can ring.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = os.getpid()
        self._shared: socket.socket | None = None
        self._bound_at = time.monotonic()
        try:
            self._bind()
        except OSError as error:
            _log.warning("worker cannot be woken, it polls", path=str(path), reason=error.strerror or str(error))

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait for a ring, for at most ``seconds``, or until ``stop`` is set.

        Returns:
            Whether it was rung since the last wait.
        """
        self._bind_again()
        ends_at = time.monotonic() + seconds
        while True:
            left = 0.0 if stop and stop.is_set() else max(ends_at - time.monotonic(), 0.0)
            if self._is_rung(min(left, STOP_SECONDS) if stop else left):
                return True
            if not left:
                return False

    def close(self) -> None:
        """Remove the bell."""
        if os.getpid() == self._pid:
            remove(self._path)
        if self._shared:
            self._shared.close()

    def _is_rung(self, seconds: float) -> bool:
        poll = select.poll()
        if self._shared and self._shared.fileno() >= 0:
            poll.register(self._shared, select.POLLIN)
        if not poll.poll(seconds * 1000) or self._shared is None:
            return False
        with suppress(OSError):  # it is empty, or was closed meanwhile
            while self._shared.recv(1):
                pass
        return True

    def _bind(self) -> None:
        shared = datagram_socket()
        try:
            with socket_address(self._path) as address:
                shared.bind(address)
            self._path.chmod(PRIVATE)
        except OSError:
            shared.close()
            raise
        self._shared = shared
        process_only.add(shared)

    def _bind_again(self) -> None:
        """Create the socket's file again if the folder was emptied."""
        now = time.monotonic()
        if now - self._bound_at < REBIND_SECONDS:
            return
        self._bound_at = now
        if not self._path.exists():
            if self._shared:
                self._shared.close()
            self._shared = None
            with suppress(OSError):
                self._bind()


def datagram_socket() -> socket.socket:
    """Return a datagram socket that never blocks."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.settimeout(0)
    return sender


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """Yield the address of a socket.

    On Linux, a path that is too long is reached through its open folder.
    """
    text = str(path)
    if len(os.fsencode(text)) <= ADDRESS_BYTES:
        yield text
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
