"""What Segment's libraries post to its tracking API, and so does whoever speaks it."""

from collections.abc import Callable, Sequence
from typing import Any

from bridge.arrival import Kept
from bridge.credentials import basic, is_known
from bridge.errors import Invalid, SignatureError, Unusable
from bridge.intake.doors import BATCH, TRACKING, Clock, KeepAll, received_event, received_events
from bridge.to_voucherify.events import batch, single
from bridge.to_voucherify.mappings import Mappings
from bridge.wire import read

_UNKNOWN = "there is no write key, or it is none of the bridge's"


class TrackingCalls:
    """Takes them in.

    Args:
        keys: the write keys that are valid at the moment.
        mappings: those in force.
        keep_all: stores the messages of one request, durably, all or none.
        clock: the time, in epoch seconds.
    """

    def __init__(self, keys: Sequence[str], mappings: Callable[[], Mappings], keep_all: KeepAll, clock: Clock) -> None:
        self._keys = keys
        self._mappings = mappings
        self._keep_all = keep_all
        self._clock = clock

    def take(self, path: str, body: bytes, authorization: str | None) -> list[Kept]:
        """Keep an event, or the events of a batch; of these also those that nobody can tell the meaning of.

        Raises:
            SignatureError: neither the header nor the body has a valid write key; nothing was stored.
            Invalid: it is over one of Segment's limits, or a single event of which nobody can tell the meaning, or
                whose it is; nothing was stored.
            StoreUnavailable: it could not be stored.
        """
        told, kind = self._authenticated(body, authorization), TRACKING[path]
        now, mappings = self._clock(), self._mappings()
        if kind != BATCH:
            return self._keep_all([received_event(path, single(told, kind), now, mappings)])
        return self._keep_all(received_events(path, batch(told, len(body)), now, mappings))

    def _authenticated(self, body: bytes, authorization: str | None) -> Any:
        """What the body says. It has to be read first: the write key may be in it."""
        told, unreadable = None, None
        try:
            told = read(body)
        except Unusable as error:
            unreadable = error
        header = basic(authorization)
        within = told.get("writeKey") if isinstance(told, dict) else None
        if not is_known([header and header.user, within if isinstance(within, str) else None], self._keys):
            raise SignatureError(_UNKNOWN)
        if unreadable:
            raise Invalid({"": str(unreadable)}) from unreadable
        return told
