"""What a sink is, and what it can report: a sink says what happened, never what to do about it."""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one delivery.

    Attributes:
        happened: see ``Happened``.
        code: the HTTP status, if there was an answer.
        detail: the answer's text, or what went wrong.
        retry_after: seconds that the service asks to wait, if it does.
    """

    happened: Happened
    code: int | None = None
    detail: str = ""
    retry_after: float | None = None


class Sink(Protocol):
    """A service that takes deliveries.

    Attributes:
        name: as in ``Outgoing.sink``.
        max_count, max_bytes: the most that one ``send`` takes.
        patience: seconds within which ``send`` returns.
    """

    name: str
    max_count: int
    max_bytes: int
    patience: float

    def send(self, payloads: Sequence[bytes]) -> Sequence[Outcome]:
        """Send them, and say what happened to each, in their order."""
        ...
