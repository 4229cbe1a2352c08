"""What a sink is, and what it can report: a sink says what happened, never what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

RESPONSE_LENGTH = 20_000
"""Characters of a response that are kept."""


class Happened(StrEnum):
    """What became of one delivery."""

    DELIVERED = "delivered"
    """The service has taken it."""
    REJECTED = "rejected"
    """The service, or a check before sending, refuses this very delivery for good."""
    FAILED = "failed"
    """Nothing was taken; another time it may be."""
    THROTTLED = "throttled"
    """The service asks everybody to wait."""
    FORBIDDEN = "forbidden"
    """The service refuses the bridge's credentials: no delivery can succeed."""
    UNTRIED = "untried"
    """It was not sent at all."""
    UNKNOWN = "unknown"
    """It may have been taken or not."""
    UNCERTAIN = "uncertain"
    """Nobody can tell whether it was taken: an operator decides."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one delivery.

    Attributes:
        happened: see ``Happened``.
        code: the HTTP status, if there was an answer.
        detail: the answer's text, or what went wrong.
        retry_after: seconds until this delivery may be tried again, if the service says.
        pause: seconds for which nobody should call the service, whatever became of this delivery.
        note: what the bridge left out of it. It is kept although the delivery succeeds.
        because: why the sink pauses, and what to do, in words for an operator; "" if ``happened`` says it all.
    """

    happened: Happened
    code: int | None = None
    detail: str = ""
    retry_after: float | None = None
    pause: float | None = None
    note: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery, as a sink gets it.

    Attributes:
        payload: as in ``Outgoing.payload``.
        key: as in ``Outgoing.key``.
        lane: as in ``Outgoing.lane``. No two parcels of one ``send`` have the same.
        in_doubt_since: epoch seconds since when it may have been taken and nobody knows, or None.
        followers: payloads that wait directly behind this one in its lane, if all of them may be merged into it. What
            happens to the parcel has happened to them.
    """

    payload: bytes
    key: str = ""
    lane: str | None = None
    in_doubt_since: float | None = None
    followers: tuple[bytes, ...] = ()


def never() -> bool:
    """Stand in for ``Sink.is_ending`` while no worker runs."""
    return False


class Sink(Protocol):
    """A service that takes deliveries.

    Attributes:
        name: as in ``Outgoing.sink``.
        max_count, max_bytes: the most that one ``send`` takes.
        patience: seconds within which ``send`` returns.
        is_ending: whether the process ends, set by the worker. From then on ``send`` begins no call: what was not sent
            is ``UNTRIED``.
        knows_repeats: whether a second call under one key has no effect. If not, only what is mergeable may be called
            twice.
    """

    name: str
    max_count: int
    max_bytes: int
    patience: float
    is_ending: Callable[[], bool]
    knows_repeats: bool

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        """Send them, and say what happened to each, in their order."""
        ...
