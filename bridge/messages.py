"""Values that travel between the packages: messages and their translations."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Message:
    """Body of a request, as it is stored.

    Attributes:
        id: a ULID.
        queue: one of ``QUEUES``.
        direction: the key of a row of ``DIRECTIONS``.
        door: the path of its request.
        at: when it was received, in epoch seconds.
        request_id: of the request, for the log.
        credential: a digest of what proved the sender.
        body: the raw bytes; unpacked, if the sender had compressed them.
    """

    id: str
    queue: str
    direction: str
    door: str
    at: float
    request_id: str
    credential: bytes
    body: bytes = field(repr=False)


def credential_digest(credential: str) -> bytes:
    """Return the digest of a credential, as a message has it."""
    return hashlib.sha256(credential.encode(errors="surrogateescape")).digest()[:16]


ID_LENGTH = 26
"""Characters of a message's id, a ULID.

The id of a batch's n-th event has four digits more.
"""

LAST_SUFFIX = "9999"
"""Suffix of a message's id that is above the ids of all its events.

Ids sort as text.
"""

WEBHOOKS, CALLS, RAW_EVENTS = "webhooks", "calls", "events"

QUEUES: Mapping[str, bool] = {WEBHOOKS: False, CALLS: True, RAW_EVENTS: True}
"""Queues, and whether each is translated strictly in order.

Such a queue has one round at a time.
"""


EVENT_TYPES = ("track", "identify", "page", "screen", "group", "alias")
"""Types of raw events."""


class Status(StrEnum):
    """Outcome of a translation.

    A writing transaction decides ``duplicate``, the translation decides the others.
    """

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of an event, which distinguishes a repeat from a new event.

    Attributes:
        call: 32 bytes that identify the event of one webhook. The same with another ``digest`` contradicts it.
        digest: of the content, which is the same in every retry of one call.
    """

    call: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery to make.

    Attributes:
        sink: the name of its sink.
        key: its idempotency key, globally unique: nothing is delivered twice under one key. Segment's ``messageId``.
        payload: the JSON text, exactly as it will be sent.
        lane: deliveries of one lane are sent strictly in the order of arrival. The customer, at Voucherify.
        mergeable: whether it may be merged with its neighbours in the lane: an upsert, at Voucherify.
    """

    sink: str
    key: str
    payload: bytes
    lane: str | None = None
    mergeable: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A translated message.

    Attributes:
        status: accepted, ignored or quarantined.
        event: the event's name, as far as it is known ("" if not).
        reason: why it is not accepted ("" if it is).
        customer: the customer's ``source_id``, if there is one.
        identity: None if the message has no identity; then it is always new.
        outgoing: its deliveries.
        content: 32 bytes that identify the content; a later event with the same keys and other content contradicts it.
            b"" if the keys themselves identify it.
    """

    status: Status
    event: str = ""
    reason: str = ""
    customer: str | None = None
    identity: Identity | None = None
    outgoing: tuple[Outgoing, ...] = ()
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """Outcome of one event; of a duplicate, ``id`` is the event that it repeats."""

    id: str
    status: Status
    event: str
    reason: str

    def answer(self) -> Mapping[str, str | None]:
        """Return the answer to a sender that waits for the outcome."""
        return {"status": self.status, "id": self.id, "event": self.event or None, "reason": self.reason or None}
