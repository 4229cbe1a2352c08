"""Intake of Voucherify's webhooks."""

from collections.abc import Sequence

from bridge.doors import VOUCHERIFY
from bridge.intake.receiving import Received, Receiver
from bridge.signature import verify


class VoucherifyWebhooks:
    """Accepts Voucherify's webhooks.

    Args:
        secrets: the webhook secrets that are valid at the moment.
    """

    def __init__(self, secrets: Sequence[str], receiver: Receiver) -> None:
        self._secrets = secrets
        self._receiver = receiver

    def take(self, body: bytes, signature: str | None, request_id: str) -> Received:
        """Store an authentic webhook, whatever its content is.

        Raises:
            SignatureError: it is not authentic; nothing was parsed or stored.
            StoreUnavailable: it could not be stored.
        """
        secret = verify(body, signature, self._secrets)
        return Received(self._receiver.store(VOUCHERIFY, body, secret, request_id))
