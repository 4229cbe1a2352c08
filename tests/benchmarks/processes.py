"""The processes that a benchmark starts, watches and ends."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import psutil

from bridge.gunicorn_settings import worker_class
from tests.benchmarks import load, redemption

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).parents[2]
WORKERS, THREADS = 2, 32
BRIDGE = (sys.executable, "-c", "from bridge.cli import main; main()")

_BUSY = "import time; end = time.monotonic() + {}\nwhile time.monotonic() < end: pass"


class PeakMemory:
    """The most that a process and its children hold at once, in bytes, for the length of a ``with`` block."""

    def __init__(self, pid: int, *, children_only: bool = False) -> None:
        self._root = psutil.Process(pid)
        self._children_only = children_only
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            with suppress(psutil.NoSuchProcess):
                watched = self._root.children(recursive=True) + ([] if self._children_only else [self._root])
                self.peak = max(self.peak, sum(one.memory_info().rss for one in watched))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A process, by its id; told to finish at the end of the block. What it prints goes into a file of ``folder``."""
    log = folder / "output.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(folder, environment or {}), stdout=output, stderr=output
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(60.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``work`` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


@contextmanager
def busy(count: int, seconds: float, folder: Path) -> Iterator[None]:
    """Busy loops beside the block; none runs longer than ``seconds``."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(running([sys.executable, "-c", _BUSY.format(seconds)], folder))
        yield


@contextmanager
def segment(folder: Path) -> Iterator[int]:
    """The loopback Segment, by its port."""
    port = free_port()
    with running([sys.executable, "-m", "tests.benchmarks.loopback_segment", str(port)], folder):
        _until_it_listens(port)
        yield port


@contextmanager
def gunicorn(app: str, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """An application as it is served in production, by process id and port. It may not listen yet."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", worker_class]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--keep-alive", "10", "--log-level", "warning"]
    with running([*command, app], folder, environment) as pid:
        yield pid, port


@contextmanager
def bridge(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """The bridge as ``bridge serve`` runs it, by process id and port: web processes and one worker."""
    port = free_port()
    command = [*BRIDGE, "serve", "--", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--log-level", "warning"]
    with running(command, folder, environment) as pid:
        yield pid, port


@contextmanager
def worker(folder: Path, environment: Mapping[str, str]) -> Iterator[int]:
    """``bridge worker``, by its process id."""
    with running([*BRIDGE, "worker"], folder, environment) as pid:
        yield pid


def until_it_accepts(port: int, request: bytes) -> None:
    """Return when ``request`` has got its 2xx."""
    for _ in _attempts():
        with suppress(OSError):
            client, tally = load.Client(port), load.Tally()
            client.send(request)
            while not client.receive(tally):
                pass
            client.socket.close()
            if not tally.refused:
                return


def _until_it_listens(port: int) -> None:
    for _ in _attempts():
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return


def _attempts() -> Iterator[None]:
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        yield
        time.sleep(0.01)
    raise TimeoutError("a process does not come up; see its output")


def bridge_environment(segment_port: int, database_url: str) -> dict[str, str]:
    """What the bridge, and what is compared with it, must know."""
    return {
        "SEGMENT_WRITE_KEY": "benchmark",
        "SEGMENT_HOST": f"http://127.0.0.1:{segment_port}",
        "VOUCHERIFY_WEBHOOK_SECRET": redemption.SECRET,
        "BRIDGE_DATABASE_URL": database_url,
    }


def _environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    # Nothing of this shell's own settings: they would be a bridge's, and somebody's data. Nor its home: two servers of
    # one home share gunicorn's control socket.
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**inherited, "HOME": str(folder), "PYTHONPATH": path, **more}
