import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from bridge.gunicorn_settings import tune_threads


@pytest.fixture(autouse=True)
def _python_as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)


def _in_a_thread(do: Callable[[], None]) -> None:
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this way of scheduling")
def test_threads_that_it_starts_are_woken_without_interrupting_each_other() -> None:
    found = []

    def serve() -> None:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        tune_threads()
        _in_a_thread(lambda: found.append(os.sched_getscheduler(0)))

    _in_a_thread(serve)
    assert found == [os.SCHED_BATCH]


def test_a_sandbox_that_forbids_scheduling_prevents_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", forbidden, raising=False)
    tune_threads()
