"""Locks and sockets that the processes of one host share, in one folder.

Each file's name begins with a digest of the database's address, so bridges with different databases can share a folder.

- ``{digest}.worker``: the process that locks it runs the embedded worker.
- ``{digest}-{pid}-{token}.alive``: locked while that process lives; its time is that of the last progress.
- ``{digest}-{pid}-{token}.bell``: a socket; a datagram wakes the worker that reads it.

The kernel releases a lock when its process ends, however it ends. The files of a killed process are removed by the next
process that finds them. The database decides what a worker may do, never a file here. Without the folder, workers poll,
and a dead worker is noticed when its lease ends.
"""

import fcntl
import hashlib
import os
import secrets
import select
import socket
import stat
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog
from sqlalchemy.engine import URL, make_url

from bridge.errors import ConfigError

VARIABLE = "BRIDGE_RUN_DIR"

STALE_SECONDS = 3600.0
"""Age in seconds at which the file of a dead process is removed.

No lease of that process is left then.
"""

RELIST_SECONDS = 1.0
"""Seconds for which a list of bells is used."""

TICK_SECONDS = 1.0
"""Seconds between two touches of a presence file."""

STOP_SECONDS = 0.25
"""Seconds within which a bell notices that its worker must stop."""

ADDRESS_BYTES = 100
"""Bytes of a socket's address: 108 on Linux, 104 on macOS.

Source: https://man7.org/linux/man-pages/man7/unix.7.html
"""

PRIVATE = 0o600
"""Mode of each file, for its owner alone."""

_log = structlog.get_logger("bridge.host")


class Host:
    """Processes that use one database on one host.

    Args:
        folder: folder of the files.
        database_url: in SQLAlchemy's form; its digest names the files.
    """

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self._digest = _digest(make_url(database_url))
        self._sender = _datagram_socket()
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
            return cls(_usable(planned), database_url)
        return cls(_own(planned) if planned == _own_folder() else planned, database_url)

    def elect(self) -> "Seat | None":
        """Become the process with the embedded worker, or return None.

        None while another process of the host has it. Where the folder cannot hold a lock, each process is elected:
        several workers are safe, and none would deliver nothing.
        """
        try:
            return Seat(_lock(self.folder / f"{self._digest}.worker"))
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
            return not _is_locked(self.folder / f"{holder}.alive")
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
                with _address(path) as address:
                    self._sender.sendto(b"1", address)
            except ConnectionRefusedError:  # its worker has ended
                _remove(path)
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
                if time.time() - path.stat().st_mtime > STALE_SECONDS and not _is_locked(path):
                    _remove(path)


def planned_folder(run_dir: Path | None, database_url: str) -> Path:
    """Return the folder that ``Host.of`` would use, without creating it."""
    if run_dir is not None:
        return run_dir.absolute()
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return _file(url).parent
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(runtime) if runtime else _own_folder()


def folder_problem(folder: Path) -> str | None:
    """Say why a folder cannot be used or created; None if it can.

    The check creates nothing.
    """
    if folder == _own_folder() and folder.exists():
        return _not_own(folder)
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return None
    return f"{folder} cannot be {'written' if nearest == folder else 'created'}"


class Seat:
    """Right to run the embedded worker.

    It ends with the process, and a forked child does not have it.
    """

    def __init__(self, lock: BinaryIO | None) -> None:
        self._lock = lock

    def close(self) -> None:
        """Release the seat, so that another process can be elected."""
        if self._lock:
            _unlock(self._lock)


class Presence:
    """Sign that a process lives; a forked child makes its own.

    Attributes:
        holder: name of the process, unique over all hosts.
    """

    def __init__(self, folder: Path, holder: str) -> None:
        self.holder = holder
        self._path = folder / f"{holder}.alive"
        self._pid = os.getpid()
        self._lock: BinaryIO | None = None
        self._ticked_at = time.monotonic() - TICK_SECONDS
        self.tick()

    def tick(self) -> None:
        """Record progress.

        The file is touched at most once a second, and created again if it is missing.
        """
        now = time.monotonic()
        if now - self._ticked_at < TICK_SECONDS or os.getpid() != self._pid:
            return
        self._ticked_at = now
        try:
            if self._lock is None or not _is_same(self._lock, self._path):
                self._release()
                self._lock = _lock(self._path)
            os.utime(self._lock.fileno())
        except OSError:  # without a lock, the file would say that the process is dead
            _remove(self._path)

    def close(self) -> None:
        """Remove the sign; the process has no lease any more."""
        if os.getpid() == self._pid:
            _remove(self._path)
        self._release()

    def _release(self) -> None:
        if self._lock:
            _unlock(self._lock)
        self._lock = None


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
            _remove(self._path)
        if self._shared:
            self._shared.close()

    def _is_rung(self, seconds: float) -> bool:
        poll = select.poll()
        if self._shared:
            poll.register(self._shared, select.POLLIN)
        if not poll.poll(seconds * 1000) or self._shared is None:
            return False
        with suppress(BlockingIOError):
            while self._shared.recv(1):
                pass
        return True

    def _bind(self) -> None:
        shared = _datagram_socket()
        try:
            with _address(self._path) as address:
                shared.bind(address)
            self._path.chmod(PRIVATE)
        except OSError:
            shared.close()
            raise
        self._shared = shared
        _process_only.add(shared)

    def _bind_again(self) -> None:
        """Create the socket's file again if the folder was emptied."""
        now = time.monotonic()
        if now - self._bound_at < RELIST_SECONDS:
            return
        self._bound_at = now
        if not self._path.exists():
            if self._shared:
                self._shared.close()
            self._shared = None
            with suppress(OSError):
                self._bind()


_process_only: "weakref.WeakSet[BinaryIO | socket.socket]" = weakref.WeakSet()
"""Files that a forked child must close.

A lock or a bell ends when the last process closes it.
"""


def _close_in_child() -> None:
    for one in list(_process_only):
        one.close()


os.register_at_fork(after_in_child=_close_in_child)


def _lock(path: Path) -> BinaryIO:
    """Lock a file for this process alone.

    Raises BlockingIOError while another process has it.
    """
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE), "ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    _process_only.add(file)
    return file


def _unlock(file: BinaryIO) -> None:
    """Release a lock at once, even if a forked child has the file open."""
    if not file.closed:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
        file.close()


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_same(file: BinaryIO, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _datagram_socket() -> socket.socket:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.settimeout(0)
    return sender


@contextmanager
def _address(path: Path) -> Iterator[str]:
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


def _digest(url: URL) -> str:
    """Return the digest of a database, the same for every user and driver."""
    if url.get_backend_name() == "sqlite":
        named = str(_file(url))
    else:
        query = {name: url.query[name] for name in ("host", "port", "dbname") if name in url.query}
        named = repr((url.host, url.port, url.database, query))
    return hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()[:12]


def _file(url: URL) -> Path:
    return Path(url.database or "").resolve()


def _usable(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ConfigError({VARIABLE: f"{folder} cannot be written ({error.strerror})"}) from error


def _own_folder() -> Path:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    home = runtime if runtime.is_absolute() and os.access(runtime, os.W_OK) else Path(tempfile.gettempdir())
    return home / f"bridge-{os.getuid()}"


def _own(folder: Path) -> Path:
    """Create a folder that only this user can write.

    Another user may have created one of that name before.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        problem = _not_own(folder)
    except OSError as error:
        raise ConfigError({VARIABLE: f"needed: {folder} cannot be created ({error.strerror})"}) from error
    if problem:
        raise ConfigError({VARIABLE: f"needed: {problem}"})
    return folder


def _not_own(folder: Path) -> str | None:
    status = folder.lstat()
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return None if is_own else f"{folder} can be written by other users, or is no folder"
