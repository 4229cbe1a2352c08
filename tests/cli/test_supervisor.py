"""Restarts and hangs of supervised processes, with a clock of the test."""

import os
import signal
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from bridge.cli.supervisor import LONGEST_PAUSE_SECONDS, Child, Program, Watch
from tests.acceptance.waiting import until


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def children() -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        child.kill("the test ends")
        child.stop()


def running(children: list[Child], clock: Clock, script: str, *, must_start: bool = False) -> Child:
    """Start a shell that runs ``script``."""
    program = Program("it", ("/bin/sh", "-c", script), dict(os.environ), frozenset({3}), 5.0, must_start)
    child = Child(program, clock)
    children.append(child)
    child.turn()
    assert child.pid
    return child


def end_of(child: Child) -> int | None:
    """Take turns until the process has ended."""
    codes: list[int | None] = []

    def has_ended() -> bool:
        codes.append(child.turn())
        return child.pid is None

    until(has_ended, "it has ended")
    return codes[-1]


def pause_after(child: Child, clock: Clock) -> float:
    """Return seconds from its end to its next start."""
    end_of(child)
    for tenths in range(1, 1000):
        clock.now += 0.1
        child.turn()
        if child.pid:
            return tenths / 10
    raise AssertionError("it is never started again")


def test_one_that_ends_at_once_is_started_again_later_and_later(clock: Clock, children: list[Child]) -> None:
    child = running(children, clock, "exit 1")
    pauses = [pause_after(child, clock) for _ in range(8)]
    assert pauses[:4] == pytest.approx([0.5, 1.0, 2.0, 4.0], abs=0.11)
    assert pauses[-2:] == pytest.approx([LONGEST_PAUSE_SECONDS] * 2, abs=0.11)


def test_one_that_has_run_for_a_while_is_started_again_soon(clock: Clock, children: list[Child]) -> None:
    child = running(children, clock, "read line; exit 1")
    os.killpg(child.pid or 0, signal.SIGKILL)
    assert pause_after(child, clock) <= 1.0
    os.killpg(child.pid or 0, signal.SIGKILL)
    assert pause_after(child, clock) >= 1.0
    clock.now += 60.0
    os.killpg(child.pid or 0, signal.SIGKILL)
    assert pause_after(child, clock) < 1.0


Case = tuple[int, bool, float]
"""Exit code, whether it must start, and the seconds that it lived."""


def code_after(case: Case, clock: Clock, children: list[Child]) -> int | None:
    code, must_start, lived = case
    child = running(children, clock, f"exit {code}", must_start=must_start)
    clock.now += lived
    return end_of(child)


@pytest.mark.parametrize("case", [(3, False, 60.0), (1, True, 0.0)])
def test_one_that_cannot_start_is_not_started_again(case: Case, clock: Clock, children: list[Child]) -> None:
    assert code_after(case, clock, children) == case[0]


@pytest.mark.parametrize("case", [(1, False, 0.0), (1, True, 60.0), (0, True, 0.0)])
def test_any_other_is(case: Case, clock: Clock, children: list[Child]) -> None:
    assert code_after(case, clock, children) is None


def test_one_that_is_restarted_starts_at_once_and_is_killed_if_late(clock: Clock, children: list[Child]) -> None:
    child = running(children, clock, "exec sleep 60")
    before = child.pid
    child.restart()
    assert end_of(child) is None
    child.turn()
    assert child.pid not in (None, before)

    os.kill(child.pid or 0, signal.SIGSTOP)
    child.restart()
    clock.now += 4.0
    child.turn()
    assert child.pid
    clock.now += 2.0
    with capture_logs() as lines:
        end_of(child)
    assert "did not end in time" in [line.get("reason") for line in lines]


def test_a_process_hangs_when_it_makes_no_progress(clock: Clock) -> None:
    marks = {7: 1, 8: 1}
    watch = Watch(marks.get, clock)

    def after(seconds: float, pid: int | None = 7) -> float:
        clock.now += seconds
        return watch.silent_seconds(pid)

    assert after(0.0) == 0.0
    assert after(0.5) == 0.5
    assert after(0.5) == 1.0
    marks[7] = 2
    assert after(0.5) == 0.0
    assert after(0.5) == 0.5
    assert after(0.5, pid=8) == 0.0, "another process"
    assert after(0.5, pid=9) == 0.0, "one that has not begun"
    assert after(0.5, pid=None) == 0.0


def test_time_in_which_the_supervisor_was_stopped_does_not_count(clock: Clock) -> None:
    watch = Watch(lambda _: 1, clock)
    watch.silent_seconds(7)
    clock.now += 3600.0
    assert watch.silent_seconds(7) <= 1.0
    watch.reset()
    assert watch.silent_seconds(7) == 0.0
