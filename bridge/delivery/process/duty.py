"""What a process does while it delivers: show that it lives, and wake its threads when something arrives."""

import threading
from collections.abc import Sequence
from typing import Protocol

from bridge.host import Bell, Host, Presence

LOOK_SECONDS = 0.25

GATHERING_SECONDS = 0.005
"""Between two wake-ups: messages of some commits are translated together."""


class Sleeper(Protocol):
    """A thread that waits for work.

    Attributes:
        wake: is set when there may be some.
    """

    wake: threading.Event

    @property
    def moves(self) -> bool:
        """Whether it makes progress."""
        ...


class Duty:
    """Holds the process's presence and bell, from ``begin`` to ``end``."""

    name = "duty"
    patience = 1.0

    def __init__(self, host: Host) -> None:
        self._host = host
        self._presence: Presence | None = None
        self._bell: Bell | None = None
        self.sleepers: Sequence[Sleeper] = ()

    @property
    def holder(self) -> str:
        """Name this process, uniquely over all hosts; only while it is on duty."""
        if self._presence is None:
            raise RuntimeError("a process has a holder's name only while it is on duty")
        return self._presence.holder

    def is_dead(self, holder: str) -> bool:
        """Whether ``holder`` was a process of this host that has ended."""
        return self._host.is_dead(holder)

    def begin(self) -> None:
        """Go on duty."""
        self._presence = self._host.presence()
        self._bell = self._host.bell()

    def end(self) -> None:
        """Go off duty: what this process holds is anybody's."""
        for one in (self._bell, self._presence):
            if one:
                one.close()
        self._bell = self._presence = None

    def run(self, stop: threading.Event) -> None:
        """Pass rings on, and show progress as long as every thread makes some."""
        while not stop.wait(GATHERING_SECONDS):
            if self._bell and self._bell.wait(LOOK_SECONDS, stop):
                for one in self.sleepers:
                    one.wake.set()
            if self._presence and all(one.moves for one in self.sleepers):
                self._presence.tick()
