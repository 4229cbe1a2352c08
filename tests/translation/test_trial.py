"""Trial: a translation that ends its process, and one that does not."""

import os
import signal
import threading
from collections.abc import Callable

import pytest

from bridge.translation import trial
from tests.translation.poison import CHECKOUT


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))


def work(number: int) -> None:
    assert number == 5


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_error(_: int) -> None:
    raise ValueError("of the trial")


def hang(_: int) -> None:
    while True:
        pass


@pytest.mark.parametrize("translate", [work, raise_error])
def test_survives_what_ends_by_itself(translate: Callable[[int], None]) -> None:
    assert trial.survives(translate, 5)


@pytest.mark.parametrize("translate", [die, hang])
def test_does_not_survive(translate: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TRIAL_SECONDS", 3.0)
    assert not trial.survives(translate, 5)


def test_it_is_no_fork_since_a_fork_would_end_the_threads_of_the_crew() -> None:
    forks = threading.Event()
    os.register_at_fork(before=forks.set)
    assert trial.survives(work, 5)
    assert not forks.is_set()
