"""Intake of Segment's webhooks.

They post the events of a source unchanged, one at a time or as an array.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.credentials import basic, known, signed
from bridge.doors import SEGMENT
from bridge.errors import SignatureError
from bridge.intake.receiving import Received, Receiver, events_of

SIGNATURE, SECRET = "X-Signature", "X-Bridge-Secret"

_SPACES = b" \t\r\n"
_OPENING = 1_000
"""Bytes in which an array begins. One that begins later must be signed as a whole."""

_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Presented:
    """The headers ``X-Signature``, ``Authorization`` and ``X-Bridge-Secret``."""

    signature: str | None
    authorization: str | None
    secret: str | None


class EventWebhooks:
    """Accepts Segment's webhooks.

    Args:
        secrets: the shared secrets that are valid at the moment.
    """

    def __init__(self, secrets: Sequence[str], receiver: Receiver) -> None:
        self._secrets = secrets
        self._receiver = receiver

    def take(self, body: bytes, presented: Presented, request_id: str) -> Received:
        """Store an event, or an array of events.

        Raises:
            SignatureError: it is not authentic; nothing was stored.
            Invalid: a single value is no event, or an array is too long; nothing was stored.
            StoreUnavailable: it could not be stored.
        """
        used = self._authenticate(body, presented)
        return self._receiver.store_events(SEGMENT, events_of(SEGMENT, body), body, used, request_id)

    def _authenticate(self, body: bytes, presented: Presented) -> str:
        """Return the secret that proves the sender.

        Every body must be signed. Of an array, Segment signs only the first event, so the rest needs the secret itself:
        before it is known, no part of the array is read.
        """
        is_array = body[:_OPENING].removeprefix(BOM_UTF8).lstrip(_SPACES).startswith(b"[")
        if is_array and not self._knows_secret(presented):
            raise SignatureError(f"an array must carry the secret too: as {SECRET}, or as the password")
        used = signed(body, presented.signature, self._secrets)
        if used is None and is_array and (first := _first(body)):
            used = signed(first, presented.signature, self._secrets)
        if used is None:
            raise SignatureError(f"the header {SIGNATURE} is missing, or does not match")
        return used

    def _knows_secret(self, presented: Presented) -> bool:
        header = basic(presented.authorization)
        return known([presented.secret, header and header.password], self._secrets) is not None


def _first(body: bytes) -> bytes:
    """Return the bytes of the first event of an array; b"" if it has none, or cannot be read."""
    try:
        text = body.removeprefix(BOM_UTF8).lstrip(_SPACES).removeprefix(b"[").lstrip(_SPACES).decode()
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return b""
    return text[:end].encode()
