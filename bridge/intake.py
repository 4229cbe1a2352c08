"""verify → translate → store. Knows no Flask: bytes and header values in, what was kept out."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bridge import to_segment
from bridge.arrival import Arrival, Kept
from bridge.delivery.database import Database
from bridge.delivery.replay import replay
from bridge.delivery.store import Received
from bridge.signature import verify

TRANSLATIONS: dict[str, Callable[[bytes, datetime], Arrival]] = {to_segment.DIRECTION: to_segment.translate}
"""By direction: what a raw body means."""


class VoucherifyWebhooks:
    """What Voucherify posts to the webhook URL.

    Args:
        secrets: the webhook secrets that are valid at the moment.
        keep: stores one message, durably.
        clock: the time, in epoch seconds.
    """

    def __init__(self, secrets: Sequence[str], keep: Callable[[Received], Kept], clock: Callable[[], float]) -> None:
        self._secrets = secrets
        self._keep = keep
        self._clock = clock

    def take(self, body: bytes, signature: str | None) -> Kept:
        """Keep an authentic webhook, whatever is in it.

        Raises:
            SignatureError: it is not authentic; nothing was parsed or stored.
            StoreUnavailable: it could not be stored.
        """
        verify(body, signature, self._secrets)
        now = self._clock()
        arrival = translate(to_segment.DIRECTION, body, now)
        return self._keep(Received.pack(to_segment.DIRECTION, body, arrival, now))


def translate(direction: str, body: bytes, received_at: float) -> Arrival:
    """What a body means, received at these epoch seconds. Pure."""
    return TRANSLATIONS[direction](body, datetime.fromtimestamp(received_at, UTC))


def run_again(database: Database, event_id: str, now: float) -> str:
    """Replay an event that is kept: see ``bridge.delivery.replay``.

    Raises:
        NoSuchEvent: there is none of that id.
        StoreUnavailable: nothing was changed.
    """
    with database.writing() as connection:
        return replay(connection, event_id, translate, now)
