"""What a translation says about a message: the values that travel from the pure rooms to the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a message when it came in; ``duplicate`` is decided by the store, the others by a translation."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a repeat from a new event.

    Attributes:
        call: 32 bytes that name the event as one webhook tells it; the same with another ``digest`` contradicts it.
        digest: of the content, which is the same at every try of one call.
    """

    call: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One delivery to make.

    Attributes:
        sink: the service it goes to.
        key: its idempotency key, globally unique: nothing is delivered twice under one key. Segment's ``messageId``.
        payload: the JSON text, exactly as it will be sent.
        lane: deliveries of one lane go out strictly in the order of arrival. The customer, at Voucherify.
        mergeable: whether it may be merged with its neighbours in the lane: an upsert, at Voucherify.
    """

    sink: str
    key: str
    payload: bytes
    lane: str | None = None
    mergeable: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message, translated.

    Attributes:
        status: accepted, ignored or quarantined.
        event: the event's name, as far as it is known ("" if not).
        reason: why it is not accepted ("" if it is).
        customer: the customer's ``source_id``, if there is one.
        identity: None when the message does not say who it is (it is then always new).
        outgoing: what must be delivered.
    """

    status: Status
    event: str = ""
    reason: str = ""
    customer: str | None = None
    identity: Identity | None = None
    outgoing: tuple[Outgoing, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store answers for one arrival: the id it is kept under, and whether it was there before."""

    id: str
    status: Status
    event: str
    reason: str

    def answer(self) -> Mapping[str, str | None]:
        """The body of the sender's 2xx."""
        return {"status": self.status, "id": self.id, "event": self.event or None, "reason": self.reason or None}
