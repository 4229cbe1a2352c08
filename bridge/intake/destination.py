"""verify → translate → store. Knows no Flask: bytes and header values in, what was kept out."""

import hmac
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from ulid import ULID

from bridge import to_segment, to_voucherify
from bridge.arrival import Arrival, Kept, Status
from bridge.delivery.database import Database
from bridge.delivery.replay import replay
from bridge.delivery.sink import Happened, Outcome
from bridge.delivery.store import Message, Received
from bridge.errors import Invalid, SignatureError, UpstreamError
from bridge.signature import verify

Keep = Callable[[Received], Kept]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Door:
    """Where messages come in.

    Attributes:
        direction: where they go.
        translate: what one means: (raw body, the id it is kept under, when it was received in epoch seconds).
    """

    direction: str
    translate: Callable[[bytes, str, float], Arrival]


def _webhook(body: bytes, _: str, at: float) -> Arrival:
    return to_segment.translate(body, datetime.fromtimestamp(at, UTC))


def _call(action: str, body: bytes, event_id: str, _: float) -> Arrival:
    return to_voucherify.translate(action, body, event_id)


# Only one thread can compute at a time, and those that would interrupt each other in it are all slower for it.
_COMPUTING = threading.Lock()

WEBHOOKS = "webhooks/voucherify"
CALLS = {
    "segmentio/customer-processing": "upsert_customer",
    "segmentio/event-processing": "add_custom_event",
    "segmentio/group-processing": "assign_group",
}
"""By path: the action that Segment's destination calls there."""

DOORS: Mapping[str, Door] = {
    WEBHOOKS: Door(to_segment.DIRECTION, _webhook),
    **{path: Door(to_voucherify.DIRECTION, partial(_call, name)) for path, name in CALLS.items()},
}
"""By path."""


class VoucherifyWebhooks:
    """What Voucherify posts to the webhook URL.

    Args:
        secrets: the webhook secrets that are valid at the moment.
        keep: stores one message, durably.
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
        return self._keep(_received(WEBHOOKS, body, self._clock()))


@dataclass(frozen=True, slots=True)
class Given:
    """The headers by which Segment's destination proves itself: ``Authorization`` and ``Secret-Key``."""

    authorization: str | None
    secret_key: str | None


class DestinationCalls:
    """What Segment's Voucherify (Actions) destination calls.

    Args:
        app_id, secret_key: what a call must present.
        probe: asks Voucherify whether it accepts the same keys.
        keep: stores one message, durably.
        clock: the time, in epoch seconds.
    """

    def __init__(self, app_id: str, secret_key: str, probe: Callable[[], Outcome], keep: Keep, clock: Clock) -> None:
        self._expected = (f"Basic {_base64(app_id)}", _base64(secret_key))
        self._probe = probe
        self._keep = keep
        self._clock = clock

    def test(self, given: Given) -> None:
        """Return if the keys are right, here and at Voucherify.

        Raises:
            SignatureError: they are not.
            UpstreamError: Voucherify does not say.
        """
        self._authenticate(given)
        outcome = self._probe()
        if outcome.happened is Happened.FORBIDDEN:
            raise SignatureError("Voucherify does not accept these keys")
        if outcome.happened is not Happened.DELIVERED:
            raise UpstreamError(f"Voucherify answers {outcome.code or 'nothing'}")

    def take(self, path: str, body: bytes, given: Given) -> Kept:
        """Keep a call that its action can use.

        Raises:
            SignatureError: the keys are wrong; nothing was parsed or stored.
            Invalid: the action cannot use it; nothing was stored.
            StoreUnavailable: it could not be stored.
        """
        self._authenticate(given)
        return self._keep(_received(path, body, self._clock()))

    def _authenticate(self, given: Given) -> None:
        presented = (given.authorization, given.secret_key)
        pairs = zip(presented, self._expected, strict=True)
        # Both are compared, whatever the first says.
        right = [hmac.compare_digest((one or "").encode(), expected.encode()) for one, expected in pairs]
        if not all(right):
            raise SignatureError("the Application ID or the Secret Key is wrong")


def run_again(database: Database, event_id: str, now: float) -> str:
    """Replay an event that is kept: see ``bridge.delivery.replay``.

    Raises:
        NoSuchEvent: there is none of that id.
        StoreUnavailable: nothing was changed.
    """
    with database.writing() as connection:
        return replay(connection, event_id, _translate_again, now)


def _received(door: str, body: bytes, at: float) -> Received:
    message = Message(str(ULID.from_timestamp(at)), door, DOORS[door].direction, body, at)
    with _COMPUTING:
        return Received.pack(message, _translate(door, body, message.id, at))


def _translate(door: str, body: bytes, event_id: str, at: float) -> Arrival:
    return DOORS[door].translate(body, event_id, at)


def _translate_again(door: str, body: bytes, event_id: str, at: float) -> Arrival:
    try:
        return _translate(door, body, event_id, at)
    except Invalid as error:  # it was right when it came in: there is nobody left to tell
        return Arrival(Status.QUARANTINED, reason=str(error))


def _base64(key: str) -> str:
    return b64encode(key.encode()).decode()
