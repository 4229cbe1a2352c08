"""Trial: a translation that ends its process, and one that does not."""

import os
import signal
from collections.abc import Callable

import pytest

from bridge.translation import trial


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_error() -> None:
    raise ValueError("of the trial")


def hang() -> None:
    while True:
        pass


def test_survives_what_ends_without_an_error() -> None:
    assert trial.survives(lambda: None)


@pytest.mark.parametrize("translate", [die, raise_error, hang])
def test_does_not_survive(translate: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TRIAL_SECONDS", 1)
    assert not trial.survives(translate)
