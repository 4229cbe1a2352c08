"""What Segment's libraries post to its tracking API, and so does whoever speaks it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bridge.credentials import basic, known
from bridge.doors import TRACKING
from bridge.errors import Invalid, SignatureError, Unusable
from bridge.intake.receiving import Received, Receiver
from bridge.json_text import read
from bridge.to_voucherify.raw_events.posted import posted

_UNKNOWN = "there is no write key, or it is none of the bridge's"


class Keys(NamedTuple):
    """Where a write key may be beside the body: the header ``Authorization``, and ``writeKey`` in the address.

    A browser that leaves a page can send no header, so RudderStack's library puts the key there.
    """

    authorization: str | None
    in_address: str | None


class TrackingCalls:
    """Takes them in.

    Args:
        keys: the write keys that are valid at the moment.
    """

    def __init__(self, keys: Sequence[str], receiver: Receiver) -> None:
        self._keys = keys
        self._receiver = receiver

    def take(self, path: str, body: bytes, given: Keys, request_id: str) -> Received:
        """Store an event, or a batch of them.

        Raises:
            SignatureError: neither the header, the address nor the body has a valid write key; nothing was stored.
            Invalid: it is over one of Segment's limits, or no event or no batch; nothing was stored. What is wrong
                with one event of a batch is found later, and costs that event alone.
            StoreUnavailable: it could not be stored.
        """
        value, key = self._authenticated(body, given)
        events = posted(value, TRACKING[path], len(body))
        events.check()
        stored = self._receiver.store(path, body, key, request_id)
        return Received(stored, is_several=events.is_several, count=len(events.items))

    def _authenticated(self, body: bytes, given: Keys) -> tuple[Any, str]:
        """The body's value and the write key. It has to be read first: the write key may be in it."""
        value, unreadable = None, None
        try:
            value = read(body)
        except Unusable as error:
            unreadable = error
        header = basic(given.authorization)
        within = value.get("writeKey") if isinstance(value, dict) else None
        keys = [header and header.user, within if isinstance(within, str) else None, given.in_address]
        key = known(keys, self._keys)
        if key is None:
            raise SignatureError(_UNKNOWN)
        if unreadable:
            raise Invalid({"": str(unreadable)}) from unreadable
        return value, key
