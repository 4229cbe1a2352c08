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
    """Whoever works on a thread of its own.

    Attributes:
        name: what the thread is called.
        patience: seconds within which it ends what it has in hand.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see above
    @property
    def patience(self) -> float: ...  # noqa: D102 - see above

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
        self._threads: dict[Hand, threading.Thread] = {}
        self._keepers: list[Hand] = []
        self._hired: Sequence[Hand] = ()
        _crews.add(self)
        atexit.register(self.stop)

    @property
    def workers(self) -> Sequence[Worker]:
        """Who delivers, one a sink."""
        return self._workers

    def join(self, keeper: Hand) -> None:
        """Let ``keeper`` work with the crew, also in a process that does not deliver."""
        self._keepers.append(keeper)

    def delivering(self) -> list[str]:
        """The sinks whose workers are at work in this process."""
        at_work = [one for one in self._workers if one in self._threads and self._threads[one].is_alive() and one.moves]
        return [one.sink.name for one in at_work]

    def start(self, *, delivers: bool = True) -> None:
        """Begin: to deliver, too, or only to keep the house."""
        self._hired = [*self._keepers, *((*self._workers, *self._hands) if delivers else ())]
        self._go_to_work()

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        self._hired = ()
        self._lay_off()

    def _go_to_work(self) -> None:
        self._stop = threading.Event()
        self._threads = {
            one: threading.Thread(target=one.run, args=(self._stop,), name=one.name, daemon=True) for one in self._hired
        }
        for thread in self._threads.values():
            thread.start()

    def _lay_off(self) -> None:
        self._stop.set()
        for one, thread in self._threads.items():
            thread.join(one.patience)
        self._threads = {}

    def prepare_to_fork(self) -> None:
        """In the parent, before."""
        self._lay_off()
        self._before_fork()

    def begin_in_child(self) -> None:
        """In the child, after."""
        self._after_fork()
        self._go_to_work()


_crews: "weakref.WeakSet[Crew]" = weakref.WeakSet()


def _before_fork() -> None:
    for crew in _crews:
        crew.prepare_to_fork()


def _in_child() -> None:
    for crew in _crews:
        crew.begin_in_child()


os.register_at_fork(before=_before_fork, after_in_child=_in_child)
