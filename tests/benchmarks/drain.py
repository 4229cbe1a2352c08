"""How fast one worker process empties a backlog, and in how much memory."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import load, processes

WORKER = [str(Path(sys.executable).parent / "bridge"), "worker"]


@dataclass(frozen=True, slots=True)
class Drained:
    """What was measured."""

    backlog: int
    events_per_second: float
    peak_memory: int


def fill(database_url: str, first: int, count: int) -> None:
    """Keep ``count`` webhooks while nobody delivers."""
    command = [sys.executable, "-m", "tests.benchmarks.backlog", database_url, str(first), str(count)]
    subprocess.run(command, check=True, cwd=processes.ROOT)


def drain(database_url: str, backlog: int, folder: Path) -> Drained:
    """From the first batch's arrival to the last one's."""
    with (
        processes.segment(folder) as port,
        processes.running(WORKER, folder, processes.bridge_environment(port, database_url)) as pid,
        processes.PeakMemory(pid) as memory,
    ):
        first = _wait(port, 1)
        began = time.perf_counter()
        _wait(port, backlog)
        seconds = time.perf_counter() - began
    return Drained(backlog, (backlog - first) / seconds, memory.peak)


def _wait(port: int, count: int) -> int:
    deadline = time.monotonic() + 300.0
    while (delivered := load.delivered(port)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{delivered} of {count} events were delivered")
        time.sleep(0.02)
    return delivered
