"""``bridge worker`` ends at a signal, whenever it comes."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import worker as module
from bridge.cli.main import main

Handler = Callable[[int, FrameType | None], Any]


class Unnoticed(threading.Event):
    """An event whose waiters are not woken.

    So it is when a signal comes while the main thread waits for the interpreter, just before it waits for the event.
    """

    def set(self) -> None:
        self._flag = True


@pytest.mark.timeout(60)
def test_a_signal_that_wakes_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    handlers: dict[int, Handler] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(module, "Event", Unnoticed)
    monkeypatch.setenv("SEGMENT_WRITE_KEY", "write-key")
    monkeypatch.setenv("VOUCHERIFY_WEBHOOK_SECRET", "secret")
    monkeypatch.setenv("BRIDGE_DATABASE_URL", sqlite_url)

    class Still:
        """A bridge without threads."""

        def start(self) -> None:
            threading.Timer(0.2, lambda: handlers[signal.SIGTERM](signal.SIGTERM, None)).start()

        def close(self) -> None:
            pass

        @property
        def crew(self) -> "Still":
            return self

    monkeypatch.setattr(module, "build", lambda _: Still())
    assert CliRunner().invoke(main, ["worker"]).exit_code == 0
    assert handlers.keys() == {signal.SIGTERM, signal.SIGINT}
