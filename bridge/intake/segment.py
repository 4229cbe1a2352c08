"""What Segment's webhooks post: the events of a source as they are, one at a time or as an array."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from bridge.arrival import Kept
from bridge.credentials import basic, is_known, is_signed
from bridge.errors import Invalid, SignatureError, Unusable
from bridge.intake.doors import EVENT_WEBHOOKS, Clock, KeepAll, received_event, received_events
from bridge.to_voucherify.events import several, single
from bridge.to_voucherify.mappings import Mappings
from bridge.wire import read

SIGNATURE, SECRET = "X-Signature", "X-Bridge-Secret"

_OPENING = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class EventWebhooks:
    """Takes them in.

    Args:
        secrets: the shared secrets that are valid at the moment.
        mappings: those in force.
        keep_all: stores the messages of one request, durably, all or none.
        clock: the time, in epoch seconds.
    """

    def __init__(
        self, secrets: Sequence[str], mappings: Callable[[], Mappings], keep_all: KeepAll, clock: Clock
    ) -> None:
        self._secrets = secrets
        self._mappings = mappings
        self._keep_all = keep_all
        self._clock = clock

    def take(
        self, body: bytes, *, signature: str | None, authorization: str | None, secret: str | None
    ) -> list[Kept] | Kept:
        """Keep an event, or those of an array; of these also those that nobody can tell the meaning of.

        Args:
            signature, authorization, secret: the headers ``X-Signature``, ``Authorization`` and ``X-Bridge-Secret``.

        Raises:
            SignatureError: it is not authentic; nothing was stored.
            Invalid: nobody can tell what a single one means, or whose it is; nothing was stored.
            StoreUnavailable: it could not be stored.
        """
        self._authenticate(body, signature, authorization, secret)
        told = self._read(body)
        now, mappings = self._clock(), self._mappings()
        if isinstance(told, list):
            return self._keep_all(received_events(EVENT_WEBHOOKS, several(told), now, mappings))
        [kept] = self._keep_all([received_event(EVENT_WEBHOOKS, single(told), now, mappings)])
        return kept

    def _authenticate(self, body: bytes, signature: str | None, authorization: str | None, secret: str | None) -> None:
        """All must be signed. Of an array Segment signs only the first event: the rest needs the secret itself."""
        first = _first(body)
        if not is_signed(body, signature, self._secrets) and not (first and is_signed(first, signature, self._secrets)):
            raise SignatureError(f"the header {SIGNATURE} is missing, or does not match")
        header = basic(authorization)
        if first is not None and not is_known([secret, header and header.password], self._secrets):
            raise SignatureError(f"an array must come with the secret, too: as {SECRET}, or as the password")

    def _read(self, body: bytes) -> Any:
        try:
            return read(body)
        except Unusable as error:
            raise Invalid({"": str(error)}) from error


def _first(body: bytes) -> bytes | None:
    """The JSON of the first event of an array, as it stands there; b"" if it cannot be read; None if it is no array."""
    opening = _OPENING.match(body)
    if opening is None:
        return None
    try:
        text = body[opening.end() :].decode()
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return b""
    return text[:end].encode()
