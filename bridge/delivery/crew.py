"""The workers of one process, each on a thread of its own, whatever the process does.

Threads do not survive a fork, and the libraries of this field lose events there in silence. So a process that forks
lays its crew off before, and each child begins with one of its own: it is the same under ``gunicorn --preload``, where
the application is made in the process that forks, and without. The parent stays without: a master serves nobody.
"""

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.delivery.worker import Worker


class Hand(Protocol):
    """Who works beside those that deliver.

    Attributes:
        name: of its work.
        patience: seconds within which it ends what it has in hand.
    """

    name: str
    patience: float

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; what is in hand then is finished first."""
        ...


class Crew:
    """Starts and stops workers.

    Args:
        workers: one a sink.
        hands: who works beside them.
        before_fork: gives up what must not be shared with a child.
        after_fork: makes anew, in the child, what it must not share with its parent.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        before_fork: Callable[[], None],
        after_fork: Callable[[], None],
        hands: Sequence[Hand] = (),
    ) -> None:
        self._workers = workers
        self._hands = hands
        self._before_fork = before_fork
        self._after_fork = after_fork
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._hired = False
        _crews.add(self)
        atexit.register(self.stop)

    @property
    def workers(self) -> Sequence[Worker]:
        """Who delivers, one a sink."""
        return self._workers

    def start(self) -> None:
        """Begin to deliver."""
        self._hired = True
        self._stop = threading.Event()
        work = [(f"deliver-{worker.sink.name}", worker.run) for worker in self._workers]
        work += [(hand.name, hand.run) for hand in self._hands]
        self._threads = [threading.Thread(target=run, args=(self._stop,), name=name, daemon=True) for name, run in work]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        self._hired = False
        self._lay_off()

    def _lay_off(self) -> None:
        self._stop.set()
        patiences = [worker.sink.patience for worker in self._workers] + [hand.patience for hand in self._hands]
        for patience, thread in zip(patiences, self._threads, strict=False):
            thread.join(patience)
        self._threads = []

    def prepare_to_fork(self) -> None:
        """In the parent, before."""
        self._lay_off()
        self._before_fork()

    def begin_in_child(self) -> None:
        """In the child, after."""
        self._after_fork()
        if self._hired:
            self.start()


_crews: "weakref.WeakSet[Crew]" = weakref.WeakSet()


def _before_fork() -> None:
    for crew in _crews:
        crew.prepare_to_fork()


def _in_child() -> None:
    for crew in _crews:
        crew.begin_in_child()


os.register_at_fork(before=_before_fork, after_in_child=_in_child)
