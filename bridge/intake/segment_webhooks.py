"""Intake of Segment's webhooks.

They post the events of a source unchanged, one at a time or as an array.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.credentials import basic, known, signed
from bridge.doors import SEGMENT
from bridge.errors import Invalid, SignatureError, Unusable
from bridge.intake.receiving import Received, Receiver
from bridge.to_voucherify.raw_events.posted import read_events

SIGNATURE, SECRET = "X-Signature", "X-Bridge-Secret"

_SPACES = " \t\r\n"
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
        value: Any = None
        unreadable: Unusable | None = None
        try:
            value, _ = read_events(body)
        except Unusable as error:
            unreadable = error
        used = self._authenticate(body, presented, is_array=isinstance(value, list))
        if unreadable:
            raise Invalid({"": str(unreadable)}) from unreadable
        return self._receiver.store_events(SEGMENT, value, body, used, request_id)

    def _authenticate(self, body: bytes, presented: Presented, *, is_array: bool) -> str:
        """Return the secret that proves the sender.

        Every body must be signed. Of an array, Segment signs only the first event, so the rest needs the secret itself.
        """
        first = _first(body) if is_array else None
        used = signed(body, presented.signature, self._secrets) or (
            signed(first, presented.signature, self._secrets) if first else None
        )
        if used is None:
            raise SignatureError(f"the header {SIGNATURE} is missing, or does not match")
        header = basic(presented.authorization)
        if first is not None and known([presented.secret, header and header.password], self._secrets) is None:
            raise SignatureError(f"an array must carry the secret too: as {SECRET}, or as the password")
        return used


def _first(body: bytes) -> bytes:
    """Return the bytes of the first event of an array; b"" if the array is empty."""
    text = body.removeprefix(BOM_UTF8).decode().lstrip(_SPACES).removeprefix("[").lstrip(_SPACES)
    try:
        _, end = _DECODER.raw_decode(text)
    except ValueError:
        return b""
    return text[:end].encode()
