"""Storage of a verified body as a message of the inbox."""

from collections.abc import Callable
from dataclasses import dataclass

from ulid import ULID

from bridge.delivery.inbox import Inbox
from bridge.doors import DOORS
from bridge.errors import Invalid, Unusable
from bridge.messages import Message, credential_digest
from bridge.to_voucherify.raw_events.posted import Posted, posted, read_events

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
        digest = credential_digest(credential)
        message = Message(str(ULID.from_timestamp(at)), row.queue, row.direction, door, at, request_id, digest, body)
        self._inbox.append(message)
        return message.id

    def store_events(self, door: str, events: Posted, body: bytes, credential: str, request_id: str) -> Received:
        """Append raw events that their door accepts.

        Args:
            events: those of ``body``.

        Raises:
            StoreUnavailable: they could not be stored.
        """
        return Received(self.store(door, body, credential, request_id), events.is_several, len(events.items))


def events_of(door: str, body: bytes) -> Posted:
    """Return the raw events of a body that its door accepts.

    Raises:
        Invalid: the door does not accept the body.
    """
    try:
        value, is_finite = read_events(body)
    except Unusable as error:
        raise Invalid({"": str(error)}) from error
    events = posted(value, DOORS[door].kind, len(body), is_finite=is_finite)
    events.check()
    return events
