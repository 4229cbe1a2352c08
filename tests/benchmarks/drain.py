"""How fast one worker process empties a backlog, and in how much memory."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import backlog, load, processes

KINDS = {"untranslated": False, "translated": True}


@dataclass(frozen=True, slots=True)
class Drained:
    """One backlog.

    Attributes:
        kind: one of ``KINDS``.
        peak_memory: bytes.
    """

    kind: str
    backlog: int
    events_per_second: float
    peak_memory: int


def measure(database_url: str, kind: str, count: int, folder: Path) -> Drained:
    """Fill an empty database, and empty it: from the first batch's arrival to the last one's."""
    processes.apart(backlog.fill, database_url, 1, count, translated=KINDS[kind])
    with (
        processes.segment(folder) as port,
        processes.worker(folder, processes.bridge_environment(port, database_url)) as pid,
        processes.PeakMemory(pid) as memory,
    ):
        first = load.until_delivered(port, 1)
        began = time.perf_counter()
        load.until_delivered(port, count)
        seconds = time.perf_counter() - began
    return Drained(kind, count, (count - first) / seconds, memory.peak)
