"""Host: the processes that use one database on one host."""

import hashlib
import os
import secrets
import time
import weakref
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from bridge.host.bell import Bell, datagram_socket, socket_address
from bridge.host.folder import database_file, own, own_folder, planned_folder, usable
from bridge.host.locks import Seat, is_locked, lock, remove
from bridge.host.presence import Presence
from bridge.host.rates import Rates

STALE_SECONDS = 3600.0
"""Age in seconds at which the file of a dead process is removed.

No lease of that process is left then.
"""

RELIST_SECONDS = 1.0
"""Seconds for which a list of bells is used."""


class Host:
    """Processes that use one database on one host.

    Args:
        folder: folder of the files.
        database_url: in SQLAlchemy's form; its digest names the files.
    """

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self._digest = _digest(make_url(database_url))
        self._sender = datagram_socket()
        weakref.finalize(self, self._sender.close)
        self._bells: list[Path] = []
        self._listed_at = -RELIST_SECONDS

    @classmethod
    def of(cls, run_dir: Path | None, database_url: str) -> "Host":
        """Return the host with its folder.

        That is ``run_dir``, the folder of SQLite's file, systemd's runtime folder, or one of the user.

        Raises:
            ConfigError: the folder cannot be used.
        """
        planned = planned_folder(run_dir, database_url)
        if run_dir is not None:
            return cls(usable(planned), database_url)
        return cls(own(planned) if planned == own_folder() else planned, database_url)

    def elect(self) -> "Seat | None":
        """Become the process with the embedded worker, or return None.

        None while another process of the host has it. Where the folder cannot hold a lock, each process is elected:
        several workers are safe, and none would deliver nothing.
        """
        try:
            return Seat(lock(self.folder / f"{self._digest}.worker"))
        except (BlockingIOError, FileNotFoundError):
            return None
        except OSError:
            return Seat(None)

    def presence(self) -> "Presence":
        """Show that this process lives, until it ends."""
        self._sweep()
        return Presence(self.folder, f"{self._digest}-{os.getpid()}-{secrets.token_hex(8)}")

    def is_dead(self, holder: str) -> bool:
        """Return whether ``holder`` was a process of this host that has ended.

        False if it may live on another host.
        """
        if Path(holder).name != holder:
            return False
        try:
            return not is_locked(self.folder / f"{holder}.alive")
        except OSError:
            return False

    def progress(self, pid: int) -> int | None:
        """Return a number that changes with the progress of the process ``pid``.

        None if it has shown no presence.
        """
        marks: list[int] = []
        for path in self._files(".alive", pid):
            with suppress(OSError):
                marks.append(path.stat().st_mtime_ns)
        return max(marks, default=None)

    def rates(self) -> Rates:
        """Return the rates of senders, which all processes of the host count together."""
        return Rates(self.folder / f"{self._digest}.rates")

    def bell(self) -> "Bell":
        """Create a bell that every process of the host can ring."""
        return Bell(self.folder / f"{self._digest}-{os.getpid()}-{secrets.token_hex(8)}.bell")

    def ring(self) -> None:
        """Wake all workers of the host.

        A full bell was rung before, so an error is no problem.
        """
        now = time.monotonic()
        if now - self._listed_at >= RELIST_SECONDS:
            self._listed_at = now
            self._bells = self._files(".bell")
        for path in self._bells:
            try:
                with socket_address(path) as address:
                    self._sender.sendto(b"1", address)
            except ConnectionRefusedError:  # its worker has ended
                remove(path)
                self._listed_at = now - RELIST_SECONDS
            except OSError:
                pass

    def _files(self, suffix: str, pid: int | None = None) -> list[Path]:
        beginning = f"{self._digest}-" if pid is None else f"{self._digest}-{pid}-"
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 - ring() is called often, and this is several times as fast
        except OSError:
            return []
        return [self.folder / name for name in names if name.startswith(beginning) and name.endswith(suffix)]

    def _sweep(self) -> None:
        for path in self._files(".alive"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS and not is_locked(path):
                    remove(path)


def _digest(url: URL) -> str:
    """Return the digest of a database, the same for every user and driver."""
    if url.get_backend_name() == "sqlite":
        named = str(database_file(url))
    else:
        query = {name: url.query[name] for name in ("host", "port", "dbname") if name in url.query}
        named = repr((url.host, url.port, url.database, query))
    return hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()[:12]
