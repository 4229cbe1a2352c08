"""What Voucherify posts to the webhook URL."""

from collections.abc import Sequence
from functools import partial

from bridge.arrival import Kept
from bridge.intake.doors import WEBHOOKS, Clock, Keep, received
from bridge.signature import verify


class VoucherifyWebhooks:
    """Takes them in.

    Args:
        secrets: the webhook secrets that are valid at the moment.
        keep: stores one message, durably, once it is made of what came in.
        clock: the time, in epoch seconds.
    """

    def __init__(self, secrets: Sequence[str], keep: Keep, clock: Clock) -> None:
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
        return self._keep(partial(received, WEBHOOKS, body, self._clock()))
