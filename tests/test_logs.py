"""Log lines: one per event, and one per complaint and minute."""

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO

import pytest

from bridge import logs
from bridge.logs import Gathered, Sparing
from tests.delivery.patience import until


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1_000.0]
    monkeypatch.setattr("bridge.logs.time.monotonic", lambda: now[0])
    yield now
    monkeypatch.undo()


def test_the_first_complaint_is_let_through_and_those_after_it_are_counted(clock: list[float]) -> None:
    sparing = Sparing()
    assert [sparing.admits("down") for _ in range(4)] == [1, None, None, None]
    clock[0] += 59.9
    assert sparing.admits("down") is None
    clock[0] += 0.1
    assert [sparing.admits("down") for _ in range(2)] == [5, None]


def test_another_complaint_is_not_held_back(clock: list[float]) -> None:
    sparing = Sparing()
    assert [sparing.admits(one) for one in ("down", "full", "down", "full")] == [1, 1, None, None]


def test_without_a_terminal_a_line_is_json_on_standard_error() -> None:
    program = """
import structlog
from bridge import logs
logs.configure()
logs.configure()
structlog.get_logger("bridge").warning("refused", status=401)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    [line] = [json.loads(line) for line in done.stderr.splitlines()]
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line == {"message": "refused", "level": "warning", "status": 401}


class Written(StringIO):
    """A stream that records each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


class Full(StringIO):
    """A disk that is full at first."""

    is_full = True
    refused = 0

    def write(self, text: str) -> int:
        if self.is_full:
            self.refused += 1
            raise OSError(errno.ENOSPC, "full")
        return super().write(text)


def test_lines_that_come_together_are_written_together_and_soon() -> None:
    stream = Written()
    gathered = Gathered(stream)
    for number in range(100):
        gathered.info(f"line {number}")
    until(lambda: len(stream.getvalue().splitlines()) == 100)
    assert stream.getvalue().splitlines() == [f"line {number}" for number in range(100)]
    assert len(stream.writes) < 50
    gathered.info("another")
    until(lambda: stream.getvalue().endswith("another\n"))


def test_what_warns_is_written_at_once_after_all_before_it() -> None:
    stream = Written()
    gathered = Gathered(stream)
    gathered.info("first")
    gathered.error("then")
    assert stream.writes == ["first\nthen\n"]


def test_lines_of_many_threads_stay_whole() -> None:
    stream = Written()
    gathered = Gathered(stream)

    def write(name: int) -> None:
        for number in range(200):
            (gathered.error if number % 50 == 0 else gathered.info)(f"{name} {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    until(lambda: len(stream.getvalue().splitlines()) == 1600)
    for name in range(8):
        own = [line for line in stream.getvalue().splitlines() if line.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(200)]


def test_a_blocked_stream_stops_no_thread() -> None:
    stream = Full()
    gathered = Gathered(stream)
    gathered.info("lost")
    gathered.error("lost, too")
    assert stream.refused >= 1
    stream.is_full = False
    gathered.info("there")
    until(lambda: stream.getvalue() == "there\n")


def test_lines_without_a_reader_do_not_fill_the_memory() -> None:
    gathered = Gathered(StringIO())
    with gathered._writing:
        for number in range(logs.MOST + 5):
            gathered.info(f"line {number}")
        assert len(gathered._lines) == logs.MOST


def test_a_fork_repeats_no_line_and_both_go_on() -> None:
    program = """
import os, sys
from bridge.logs import Gathered
log = Gathered(sys.stderr)
log.info("before")
child = os.fork()
log.info("child" if child == 0 else "parent")
if child:
    os.waitpid(child, 0)
"""
    # From 3.12 on, Python warns of any fork beside a thread, and the main program shows such warnings.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert sorted(done.stderr.splitlines()) == ["before", "child", "parent"]
