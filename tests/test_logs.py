"""One line an event, and of the same complaint no more than one a minute."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from bridge.logs import Sparing


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
    assert datetime.fromisoformat(line.pop("at")).utcoffset() == timedelta(0)
    assert line == {"what": "refused", "level": "warning", "status": 401}
