"""Intake of Segment's tracking API, for libraries of its protocol."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bridge.credentials import basic, known
from bridge.errors import Invalid, SignatureError, Unusable
from bridge.intake.receiving import Received, Receiver
from bridge.to_voucherify.raw_events.posted import read_events

_UNKNOWN = "the write key is missing, or is not among BRIDGE_WRITE_KEYS"


class Keys(NamedTuple):
    """Places of a write key beside the body.

    They are the header ``Authorization``, and ``writeKey`` in the address. A browser that leaves a page can send no
    header, so RudderStack's library uses the address.
    """

    authorization: str | None
    in_address: str | None


class TrackingCalls:
    """Accepts events and batches of libraries.

    Args:
        keys: the write keys that are valid at the moment.
    """

    def __init__(self, keys: Sequence[str], receiver: Receiver) -> None:
        self._keys = keys
        self._receiver = receiver

    def take(self, path: str, body: bytes, presented: Keys, request_id: str) -> Received:
        """Store an event, or a batch of events.

        Raises:
            SignatureError: neither header, address nor body has a valid write key; nothing was stored.
            Invalid: it is over a limit of Segment, or neither an event nor a batch; nothing was stored. A wrong event
                of a batch is quarantined later, alone.
            StoreUnavailable: it could not be stored.
        """
        value, key = self._authenticated(body, presented)
        return self._receiver.store_events(path, value, body, key, request_id)

    def _authenticated(self, body: bytes, presented: Keys) -> tuple[Any, str]:
        """Return the body's value and the write key.

        The body is read first, because the write key may be in it.
        """
        value: Any = None
        unreadable: Unusable | None = None
        try:
            value, _ = read_events(body)
        except Unusable as error:
            unreadable = error
        header = basic(presented.authorization)
        within = value.get("writeKey") if isinstance(value, dict) else None
        keys = [header and header.user, within if isinstance(within, str) else None, presented.in_address]
        key = known(keys, self._keys)
        if key is None:
            raise SignatureError(_UNKNOWN)
        if unreadable:
            raise Invalid({"": str(unreadable)}) from unreadable
        return value, key
