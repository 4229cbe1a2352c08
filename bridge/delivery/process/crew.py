"""Threads of one process that translate, deliver and watch.

Threads do not survive a fork, and other libraries lose events there without a message. So a process that forks ends its
threads before, and each child begins with its own. That also holds under ``gunicorn --preload``, where the process that
forks creates the application. The parent has no threads: gunicorn's master serves no requests.

Threads end in stages: first those that hand deliveries over, then those that deliver, then those that watch.
"""

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.delivery.outbox import Worker
from bridge.delivery.process.duty import Duty
from bridge.host import Host

ELECTION_SECONDS = 0.5
"""Seconds between two attempts to be elected as the process that delivers."""


class Hand(Protocol):
    """Work of one thread.

    Attributes:
        name: name of the thread.
        patience: seconds within which it finishes its current work.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see above
    @property
    def patience(self) -> float: ...  # noqa: D102 - see above

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, then finish the current work."""
        ...


class Stage:
    """Threads that start and end together."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: dict[Hand, threading.Thread] = {}

    def start(self, hands: Sequence[Hand]) -> None:
        """Start a thread for each hand."""
        self._stop = threading.Event()
        self._threads = {
            one: threading.Thread(target=one.run, args=(self._stop,), name=one.name, daemon=True) for one in hands
        }
        for thread in self._threads.values():
            thread.start()

    def end(self) -> None:
        """Let all threads finish their current work, and wait for them."""
        self._stop.set()
        for one, thread in self._threads.items():
            thread.join(one.patience)
        self._threads = {}

    def runs(self, hand: Hand) -> bool:
        """Return whether the hand's thread is alive."""
        return hand in self._threads and self._threads[hand].is_alive()


class Crew:
    """The threads of a process: starts them, and ends them in stages.

    Args:
        workers: one per sink.
        givers: hand deliveries over to the workers: translators, bulk replays.
        duty: of this process, while it delivers.
        host: elects the process that delivers, if several could.
        disconnect: closes the connections, which no child may share.
        after_fork: creates anew, in the child, what it must not share with its parent.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a crew is made of
        self,
        workers: Sequence[Worker],
        givers: Sequence[Hand],
        duty: Duty,
        host: Host,
        disconnect: Callable[[], None],
        after_fork: Callable[[], None],
    ) -> None:
        self._workers = workers
        self._givers = givers
        self._duty = duty
        self._host = host
        self._disconnect = disconnect
        self._after_fork = after_fork
        self._keepers: list[Hand] = []
        self._watching, self._delivering, self._giving, self._electing = Stage(), Stage(), Stage(), Stage()
        self._begin: Callable[[], None] = lambda: None
        _crews.add(self)
        atexit.register(self.stop)

    @property
    def workers(self) -> Sequence[Worker]:
        """Workers, one per sink."""
        return self._workers

    @property
    def givers(self) -> Sequence[Hand]:
        """Translators and bulk replayers, which hand deliveries over."""
        return self._givers

    def join(self, keeper: Hand) -> None:
        """Add a keeper that works also in a process that does not deliver."""
        self._keepers.append(keeper)

    def delivering(self) -> list[str]:
        """Return the sinks whose workers run in this process."""
        return [one.sink.name for one in self._workers if self._delivering.runs(one) and one.moves]

    def runs(self, giver: Hand) -> bool:
        """Return whether ``giver`` runs in this process."""
        return self._giving.runs(giver)

    def start(self, *, delivers: bool = True, elected: bool = False) -> None:
        """Start the threads: those that deliver too, or only those that watch.

        Args:
            elected: whether to deliver only while no other process of this host does.
        """

        def begin() -> None:
            self._watching.start(self._keepers)
            if delivers and elected:
                self._electing.start([_Election(self._host, self.deliver, self.rest)])
            elif delivers:
                self.deliver()

        self._begin = begin
        begin()

    def stop(self) -> None:
        """Finish the current work, and end all threads."""
        self._begin = lambda: None
        self._end()

    def close(self) -> None:
        """Finish the current work, end all threads, and close the connections."""
        self.stop()
        self._disconnect()

    def deliver(self) -> None:
        """Start to translate and to deliver."""
        self._duty.begin()
        self._delivering.start([*self._workers, self._duty])
        self._giving.start(self._givers)

    def rest(self) -> None:
        """Finish the current work, and stop delivering."""
        self._giving.end()
        self._delivering.end()
        self._duty.end()

    def _end(self) -> None:
        self._electing.end()
        self.rest()
        self._watching.end()

    def prepare_to_fork(self) -> None:
        """End the threads before a fork, in the parent."""
        self._end()
        self._disconnect()

    def begin_in_child(self) -> None:
        """Start the threads after a fork, in the child."""
        self._after_fork()
        self._begin()


class _Election:
    """Deliver while this process is elected."""

    name = "election"
    patience = 60.0

    def __init__(self, host: Host, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._host = host
        self._begin_delivering = begin
        self._end_delivering = end

    def run(self, stop: threading.Event) -> None:
        while not (seat := self._host.elect()):
            if stop.wait(ELECTION_SECONDS):
                return
        self._begin_delivering()
        stop.wait()
        self._end_delivering()
        seat.close()


_crews: "weakref.WeakSet[Crew]" = weakref.WeakSet()


def _before_fork() -> None:
    for crew in _crews:
        crew.prepare_to_fork()


def _in_child() -> None:
    for crew in _crews:
        crew.begin_in_child()


os.register_at_fork(before=_before_fork, after_in_child=_in_child)
