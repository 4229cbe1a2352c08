"""Intake of Segment's tracking API, for libraries of its protocol."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from bridge.credentials import basic, known
from bridge.errors import Forbidden, SignatureError, TooManyEvents
from bridge.host import Rates
from bridge.intake.receiving import Received, Receiver, events_of
from bridge.json_text import without_surrogates
from bridge.to_voucherify.raw_events.posted import BATCH_BYTES, Posted
from bridge.write_keys import WriteKey

_UNKNOWN = "the write key is missing, or is not among BRIDGE_WRITE_KEYS"

MOST_UNKNOWN_BYTES = BATCH_BYTES
"""The largest body in which a write key is looked for."""


class Sender(NamedTuple):
    """What a request says of its sender, beside its body.

    A browser that leaves a page can send no header, so RudderStack's library has the write key in the address.

    Attributes:
        authorization: the header ``Authorization``.
        in_address: ``writeKey`` in the address.
        network_address: of the client.
    """

    authorization: str | None
    in_address: str | None
    network_address: str


class TrackingCalls:
    """Accepts events and batches of libraries.

    Args:
        keys: the write keys that are valid at the moment.
        rates: numbers of events by write key and address.
    """

    def __init__(self, keys: Sequence[WriteKey], rates: Rates, receiver: Receiver) -> None:
        self._keys = {key.key: key for key in keys}
        self._rates = rates
        self._receiver = receiver

    def key_beside(self, sender: Sender) -> WriteKey | None:
        """Return the write key that a request has beside its body, if it is valid."""
        header = basic(sender.authorization)
        return self._known([header and header.user, sender.in_address])

    def take(self, path: str, body: bytes, key: WriteKey | None, sender: Sender, request_id: str) -> Received:
        """Store an event, or a batch of events.

        Args:
            key: the valid write key beside the body; without one, it is looked for in the body.

        Raises:
            SignatureError: there is no valid write key; nothing was stored, and only the key was read.
            Invalid: it is over a limit of Segment, or neither an event nor a batch; nothing was stored. A wrong event
                of a batch is quarantined later, alone.
            Forbidden: the write key may send no event of this body; nothing was stored.
            TooManyEvents: the sender is over the write key's rate; nothing was stored.
            StoreUnavailable: it could not be stored.
        """
        key = key or self._known([_key_within(body)])
        if key is None:
            raise SignatureError(_UNKNOWN)
        events = events_of(path, body)
        self._admit(key, events, sender)
        return self._receiver.store_events(path, events, body, key.key, request_id)

    def _known(self, candidates: Sequence[str | None]) -> WriteKey | None:
        key = known(candidates, list(self._keys))
        return None if key is None else self._keys[key]

    def _admit(self, key: WriteKey, events: Posted, sender: Sender) -> None:
        """Check a body against the limits of its write key.

        A batch is stored if the key may send one of its events. The worker quarantines the others.
        """
        types = set() if key.may_send_all else events.types()
        forbidden = key.forbidden(types)
        if forbidden and len(forbidden) == len(types):
            raise Forbidden(f"this write key may not send {', '.join(forbidden)}")
        wait = self._rates.excess_seconds(key, sender.network_address, len(events.items))
        if wait:
            raise TooManyEvents("this write key's rate is exceeded", wait)


class _Keyed(msgspec.Struct):
    writeKey: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815 - Segment's name


_KEYED, _KEY = msgspec.json.Decoder(_Keyed), msgspec.json.Decoder(str)


def _key_within(body: bytes) -> str | None:
    """Return the write key in a body, without building the rest of it."""
    if len(body) > MOST_UNKNOWN_BYTES:
        return None
    try:
        return _KEY.decode(_KEYED.decode(without_surrogates(body)).writeKey)
    except (ValueError, RecursionError):
        return None
