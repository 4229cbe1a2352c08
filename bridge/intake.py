"""verify → translate → store. Knows no Flask: bytes and header values in, what was kept out."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bridge import to_segment
from bridge.arrival import Kept
from bridge.delivery.store import Received
from bridge.signature import verify

Keep = Callable[[Received], Kept]


class VoucherifyWebhooks:
    """What Voucherify posts to the webhook URL.

    Args:
        secrets: the webhook secrets that are valid at the moment.
        keep: stores one message, durably.
        clock: the time, in epoch seconds.
    """

    def __init__(self, secrets: Sequence[str], keep: Keep, clock: Callable[[], float]) -> None:
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
        arrival = to_segment.translate(body, datetime.fromtimestamp(now, UTC))
        return self._keep(Received.pack(to_segment.DIRECTION, body, arrival, now))
