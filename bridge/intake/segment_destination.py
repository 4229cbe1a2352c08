"""Intake of Segment's Voucherify (Actions) destination."""

import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from bridge import to_voucherify
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.doors import ACTIONS
from bridge.errors import SignatureError, UpstreamError
from bridge.intake.receiving import Received, Receiver


@dataclass(frozen=True, slots=True)
class Given:
    """Headers of a destination call: ``Authorization`` and ``Secret-Key``."""

    authorization: str | None
    secret_key: str | None


class DestinationCalls:
    """Accepts calls of Segment's destination.

    Args:
        app_id, secret_key: the pair that a call must present.
        probe: asks Voucherify whether it accepts the same keys.
    """

    def __init__(self, app_id: str, secret_key: str, probe: Callable[[], Outcome], receiver: Receiver) -> None:
        self._expected = (f"Basic {_base64(app_id)}", _base64(secret_key))
        self._probe = probe
        self._receiver = receiver

    def test(self, presented: Given) -> None:
        """Return if the keys are right, here and at Voucherify.

        Raises:
            SignatureError: they are wrong.
            UpstreamError: Voucherify does not answer.
        """
        self._authenticate(presented)
        outcome = self._probe()
        if outcome.happened is Happened.FORBIDDEN:
            raise SignatureError("Voucherify does not accept these keys")
        if outcome.happened is Happened.DELIVERED:
            return
        if is_elsewhere(outcome):
            raise UpstreamError(f"This is not Voucherify: it answers {outcome.code}. Check VOUCHERIFY_API_URL")
        raise UpstreamError(f"Voucherify answers {outcome.code or 'nothing'}")

    def take(self, path: str, body: bytes, presented: Given, request_id: str) -> Received:
        """Store a call that its action can use.

        Raises:
            SignatureError: the keys are wrong; nothing was parsed or stored.
            Invalid: the action cannot use it; nothing was stored.
            StoreUnavailable: it could not be stored.
        """
        self._authenticate(presented)
        to_voucherify.check(ACTIONS[path], body)
        return Received(self._receiver.store(path, body, self._expected[0], request_id))

    def _authenticate(self, given: Given) -> None:
        presented = (given.authorization, given.secret_key)
        pairs = zip(presented, self._expected, strict=True)
        # Both are compared, whatever the result of the first.
        right = [hmac.compare_digest((one or "").encode(), expected.encode()) for one, expected in pairs]
        if not all(right):
            raise SignatureError("the Application ID or the Secret Key is wrong")


def is_elsewhere(probe: Outcome) -> bool:
    """Return whether the probe reached something that is not Voucherify.

    Voucherify never answers the probe with 404, nor 2xx without the requested list.
    """
    code = probe.code or 0
    is_success = code // 100 == HTTPStatus.OK // 100
    is_unknown = code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
    return is_unknown or (is_success and probe.happened is not Happened.DELIVERED)


def _base64(key: str) -> str:
    return b64encode(key.encode()).decode()
