"""Interface of a sink: it reports what happened, and decides nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

RESPONSE_LENGTH = 20_000
"""Characters of a response that are stored."""


class Happened(StrEnum):
    """Outcome of one delivery at a service."""

    DELIVERED = "delivered"
    """The service has accepted it."""
    REJECTED = "rejected"
    """The service, or a check before sending, rejects this delivery permanently."""
    FAILED = "failed"
    """The service has not accepted it, and a retry may succeed."""
    THROTTLED = "throttled"
    """The service asks all callers to wait."""
    FORBIDDEN = "forbidden"
    """The service refuses the bridge's credentials: no delivery can succeed."""
    UNTRIED = "untried"
    """It was not sent at all."""
    PROCESSING = "processing"
    """The service works on it; the result is read later, from the job."""
    UNKNOWN = "unknown"
    """The service may have accepted it."""
    UNCERTAIN = "uncertain"
    """It is not known whether the service has accepted it; an operator decides."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work of a service on one delivery or more.

    Attributes:
        id: the service's.
        since: when the service accepted it, in epoch seconds.
    """

    id: str
    since: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one delivery.

    Attributes:
        happened: see ``Happened``.
        code: the HTTP status, if there was an answer.
        detail: the text of the answer, or the error.
        retry_after: seconds until this delivery may be retried, if the service says.
        pause: seconds for which no worker should call the service, whatever happened to this delivery.
        note: what the bridge left out of the delivery. It is stored although the delivery succeeds.
        because: why the sink pauses, and what to do, for an operator; "" if ``happened`` says it all.
        job: the work of the service, if it is ``PROCESSING``. ``retry_after`` says when to look.
    """

    happened: Happened
    code: int | None = None
    detail: str = ""
    retry_after: float | None = None
    pause: float | None = None
    note: str = ""
    because: str = ""
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery, as a sink receives it.

    Attributes:
        payload: as in ``Outgoing.payload``.
        key: as in ``Outgoing.key``.
        lane: as in ``Outgoing.lane``. No two parcels of one ``send`` have the same.
        in_doubt_since: epoch seconds since when its outcome is unknown, or None.
        followers: payloads directly behind this one in its lane, if all of them may be merged into it. They share the
            outcome of the parcel.
        job: the work of the service on this delivery, if it was ``PROCESSING``.
    """

    payload: bytes
    key: str = ""
    lane: str | None = None
    in_doubt_since: float | None = None
    followers: tuple[bytes, ...] = ()
    job: Job | None = None


def never() -> bool:
    """Return False, in place of ``Sink.is_ending`` while no worker runs."""
    return False


class Sink(Protocol):
    """A service that receives deliveries.

    Attributes:
        name: as in ``Outgoing.sink``.
        max_count, max_bytes: limits of one ``send``.
        patience: seconds within which ``send`` returns.
        is_ending: whether the process ends, set by the worker. From then on ``send`` begins no call: what was not sent
            is ``UNTRIED``.
        knows_repeats: whether a second call under one key has no effect. If not, only what is mergeable may be sent
            twice.
    """

    name: str
    max_count: int
    max_bytes: int
    patience: float
    is_ending: Callable[[], bool]
    knows_repeats: bool

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        """Send the parcels, and return one outcome for each, in their order."""
        ...
