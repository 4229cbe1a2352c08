"""Signs of life and wake-ups of a process that delivers."""

import threading
from collections.abc import Sequence
from typing import Protocol

from bridge.host import Bell, Host, Presence

LOOK_SECONDS = 0.25

GATHERING_SECONDS = 0.005
"""Seconds between two wake-ups.

Messages of several commits are translated together.
"""


class Sleeper(Protocol):
    """A thread that waits for work.

    Attributes:
        wake: is set when there may be some.
    """

    wake: threading.Event

    @property
    def moves(self) -> bool:
        """Whether the thread makes progress."""
        ...


class Duty:
    """The presence and the bell of a process, from ``begin`` to ``end``."""

    name = "duty"
    patience = 1.0

    def __init__(self, host: Host) -> None:
        self._host = host
        self._presence: Presence | None = None
        self._bell: Bell | None = None
        self.sleepers: Sequence[Sleeper] = ()

    @property
    def holder(self) -> str:
        """Name of this process, unique over all hosts, while it is on duty."""
        if self._presence is None:
            raise RuntimeError("a process has a name only while it delivers")
        return self._presence.holder

    def is_dead(self, holder: str) -> bool:
        """Return whether ``holder`` was a process of this host that has ended."""
        return self._host.is_dead(holder)

    def begin(self) -> None:
        """Create the presence and the bell."""
        self._presence = self._host.presence()
        self._bell = self._host.bell()

    def end(self) -> None:
        """Remove the presence and the bell.

        Other processes take over what this one holds.
        """
        for one in (self._bell, self._presence):
            if one:
                one.close()
        self._bell = self._presence = None

    def run(self, stop: threading.Event) -> None:
        """Pass on wake-ups, and show progress while every thread makes some."""
        while not stop.wait(GATHERING_SECONDS):
            if self._bell and self._bell.wait(LOOK_SECONDS, stop):
                for one in self.sleepers:
                    one.wake.set()
            if self._presence and all(one.moves for one in self.sleepers):
                self._presence.tick()
