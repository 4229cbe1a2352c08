"""Storage of a verified body as a message of the inbox."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ulid import ULID

from bridge.delivery.inbox import Inbox
from bridge.doors import DOORS
from bridge.messages import Message
from bridge.to_voucherify.raw_events.posted import posted

CREDENTIAL_BYTES = 16

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Received:
    """A stored message.

    Attributes:
        id: id of the message.
        is_several: whether it contains a list of events.
        count: number of its events.
    """

    id: str
    is_several: bool = False
    count: int = 1


class Receiver:
    """Appends messages to the inbox.

    Args:
        clock: the time, in epoch seconds.
    """

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock

    def store(self, door: str, body: bytes, credential: str, request_id: str) -> str:
        """Append ``body``, and return the message's id when it is on disk.

        Args:
            credential: what proved the sender; only a digest of it is stored.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        at = self._clock()
        row = DOORS[door]
        digest = hashlib.sha256(credential.encode(errors="surrogateescape")).digest()[:CREDENTIAL_BYTES]
        message = Message(str(ULID.from_timestamp(at)), row.queue, row.direction, door, at, request_id, digest, body)
        self._inbox.append(message)
        return message.id

    def store_events(self, door: str, value: Any, body: bytes, credential: str, request_id: str) -> Received:
        """Append raw events that their door accepts.

        Args:
            value: the JSON of ``body``.

        Raises:
            Invalid: the door does not accept them; nothing was stored.
            StoreUnavailable: they could not be stored.
        """
        events = posted(value, DOORS[door].kind, len(body))
        events.check()
        stored = self.store(door, body, credential, request_id)
        return Received(stored, events.is_several, len(events.items))
