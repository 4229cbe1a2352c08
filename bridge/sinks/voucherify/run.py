"""One ``send``: makes calls until its time is over, or a response ends it."""

from collections.abc import Mapping
from http import HTTPStatus

from bridge.delivery.rules.sink import RESPONSE_LENGTH, Happened, Outcome
from bridge.sinks.voucherify.permission import MOST, is_refused
from bridge.voucherify_api.answers import Answer, Reach
from bridge.voucherify_api.client import HARMLESS, Client
from bridge.voucherify_api.endpoints import Request

ANSWERED: Mapping[int, Happened] = {
    HTTPStatus.UNAUTHORIZED: Happened.FORBIDDEN,
    HTTPStatus.PAYMENT_REQUIRED: Happened.FORBIDDEN,
    HTTPStatus.FORBIDDEN: Happened.FORBIDDEN,  # of what was sent or of the keys: ``Run`` finds out
    HTTPStatus.REQUEST_TIMEOUT: Happened.FAILED,
    HTTPStatus.TOO_MANY_REQUESTS: Happened.THROTTLED,
}
"""Outcome of statuses that mean more than their class."""

CLASSES: Mapping[int, Happened] = {2: Happened.DELIVERED, 3: Happened.FAILED, 4: Happened.REJECTED, 5: Happened.FAILED}
"""Outcome by class of statuses; a redirect (3xx) is not followed."""

CLEAR = (2, 4)
"""Classes of statuses that say whether Voucherify has accepted a call.

A proxy can answer with a redirect after it has passed the call on.
"""

UNANSWERED: Mapping[Reach, Happened] = {
    Reach.LOST: Happened.FAILED,
    Reach.NEVER: Happened.FAILED,
    Reach.HELD: Happened.UNTRIED,
}
"""Outcome of a call without a response."""

BLAME: Mapping[Happened, Happened] = {
    Happened.DELIVERED: Happened.REJECTED,
    Happened.FORBIDDEN: Happened.FORBIDDEN,
}
"""Meaning of a 403 by the outcome of a read; otherwise it is not known yet."""

STRANGER = "this is not Voucherify's answer: see VOUCHERIFY_API_URL"


def happened(answer: Answer, *, repeatable: bool) -> Happened:
    """Return the outcome of a call from its response.

    Args:
        repeatable: whether it may be sent twice. If not, a failure after which it may have been accepted is
            ``UNKNOWN``.
    """
    if answer.code is None:
        found = UNANSWERED[answer.reach]
        may_be_taken = answer.reach is Reach.LOST
    else:
        if not answer.is_recognised:
            return Happened.FAILED if repeatable else Happened.UNKNOWN
        found = ANSWERED.get(answer.code, CLASSES.get(answer.code // 100, Happened.FAILED))
        may_be_taken = answer.code == HTTPStatus.REQUEST_TIMEOUT or answer.code // 100 not in CLEAR
    return Happened.UNKNOWN if may_be_taken and not repeatable else found


class Run:
    """Makes the calls of one ``send``.

    It makes no further call when the limit is reached, when the keys are refused, or when the time is over. Without a
    connection, all further deliveries fail in the same way, and the service gets no further call.

    Args:
        until: its end, on the client's clock.
    """

    def __init__(self, client: Client, until: float) -> None:
        self._client = client
        self.until = until
        self.pause: float | None = None
        self._reading: Happened | None = None
        """Outcome of the read that explains a 403, if there was one."""
        self._instead: Answer | None = None
        self.accepted = False
        """Whether Voucherify has accepted any delivery."""
        self._refused = 0

    @property
    def now(self) -> float:
        """Return epoch seconds."""
        return self._client.timing.now()

    def settled_at(self, since: float) -> float:
        """Return when all posts of a ``send`` that began at ``since`` are visible."""
        return since + self._client.timing.patience_seconds + self._client.timing.settling_seconds

    def call(self, request: Request) -> Answer:
        """Make a call, unless the run has ended."""
        if self._instead is not None:
            return self._instead
        answer = self._client.call(request, self.until)
        self.accepted = self.accepted or (request.endpoint.method == "POST" and answer.is_success)
        if answer.reach is Reach.NEVER:
            self._instead = answer
        elif answer.pause is not None:
            self._end()
            self.pause = answer.pause
        return answer

    def happened(self, answer: Answer, *, repeatable: bool) -> Happened:
        """Return the outcome of a delivery; a read explains a 403.

        A firewall in front of Voucherify answers 403 to a single payload, too. If Voucherify answers the read, the
        payload is refused, and not the keys.
        """
        found = happened(answer, repeatable=repeatable)
        if answer.code != HTTPStatus.FORBIDDEN:
            return found
        if self._reading is None:
            self._reading = happened(self.call(HARMLESS), repeatable=True)
        return BLAME.get(self._reading, Happened.FAILED)

    def outcome(self, answer: Answer, *, repeatable: bool, note: str = "") -> Outcome:
        """Return ``answer`` as the outcome of a delivery.

        The run ends if the keys are refused, or may not write.
        """
        result = self.happened(answer, repeatable=repeatable)
        outcome = as_outcome(result, answer, note)
        self._refused += is_refused(outcome)
        if result is Happened.FORBIDDEN or (self._refused >= MOST and not self.accepted):
            self._end()
        return outcome

    def _end(self) -> None:
        self._instead = Answer(Reach.HELD)


def as_outcome(result: Happened, answer: Answer, note: str = "") -> Outcome:
    """Return the outcome that ``answer`` reports."""
    said = note if answer.is_recognised else noted(note, STRANGER)
    return Outcome(result, answer.code, noted(said, answer.text), answer.retry_after, answer.pause, note)


def noted(note: str, text: str) -> str:
    """Return the detail of an outcome: the bridge's note, then Voucherify's text."""
    return "\n".join(part for part in (note, text[:RESPONSE_LENGTH]) if part)
