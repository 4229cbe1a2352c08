"""One ``send``: it makes calls until its time is up, or until it would be wrong to go on."""

from collections.abc import Mapping
from http import HTTPStatus

from bridge.delivery.rules.sink import Happened, Outcome
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
"""What a status says, if it says more than its class."""

CLASSES: Mapping[int, Happened] = {2: Happened.DELIVERED, 3: Happened.FAILED, 4: Happened.REJECTED, 5: Happened.FAILED}
"""What a class of statuses says. 3xx: a redirect is not followed."""

UNANSWERED: Mapping[Reach, Happened] = {
    Reach.LOST: Happened.FAILED,
    Reach.NEVER: Happened.FAILED,
    Reach.HELD: Happened.UNTRIED,
}
"""What it says when there is no status."""

BLAME: Mapping[Happened, Happened] = {
    Happened.DELIVERED: Happened.REJECTED,
    Happened.FORBIDDEN: Happened.FORBIDDEN,
}
"""What a 403 means, by what becomes of a harmless read; otherwise it is not known yet."""

STRANGER = "this is not Voucherify's answer: see VOUCHERIFY_API_URL"


def happened(answer: Answer, *, repeatable: bool) -> Happened:
    """What became of what was sent, given what came back.

    Args:
        repeatable: it may be sent twice. If not, a failure behind which it may have been taken is ``UNKNOWN``.
    """
    if answer.code is None:
        found = UNANSWERED[answer.reach]
        may_be_taken = answer.reach is Reach.LOST
    else:
        if not answer.is_recognised:
            return Happened.FAILED if repeatable else Happened.UNKNOWN
        found = ANSWERED.get(answer.code, CLASSES.get(answer.code // 100, Happened.FAILED))
        may_be_taken = answer.code == HTTPStatus.REQUEST_TIMEOUT or answer.code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Happened.UNKNOWN if may_be_taken and not repeatable else found


class Run:
    """Makes the calls of one ``send``.

    When the limit is reached, or the keys are refused, or the time is up, no call is made any more; when there is no
    connection, all that is left has failed the same way: a service that is down is not knocked at a thousand times.

    Args:
        until: when it has to end, on the client's clock.
    """

    def __init__(self, client: Client, until: float) -> None:
        self._client = client
        self.until = until
        self.pause: float | None = None
        self._reading: Happened | None = None
        """What became of the harmless read, if one was made."""
        self._instead: Answer | None = None
        self.accepted = False
        """Whether Voucherify has accepted anything that was sent."""
        self._refused = 0

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self._client.timing.now()

    def settled_at(self, since: float) -> float:
        """When all that a ``send`` may have posted, which began at ``since``, must show."""
        return since + self._client.timing.patience_seconds + self._client.timing.settling_seconds

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than to the end of the run, or of the process."""
        self._client.sleep(min(seconds, self.until - self.now))

    def call(self, request: Request) -> Answer:
        """Make a call, unless it has come to an end."""
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
        """What became of what was sent: of a 403, whether it or the keys are refused.

        A firewall in front of Voucherify answers 403 to a single payload, too. A harmless read decides: if Voucherify
        answers it, the payload is refused.
        """
        found = happened(answer, repeatable=repeatable)
        if answer.code != HTTPStatus.FORBIDDEN:
            return found
        if self._reading is None:
            self._reading = happened(self.call(HARMLESS), repeatable=True)
        return BLAME.get(self._reading, Happened.FAILED)

    def outcome(self, answer: Answer, *, repeatable: bool, note: str = "") -> Outcome:
        """``answer`` as the outcome of what was sent; keys that are refused, or may not write, end the run."""
        found = self.happened(answer, repeatable=repeatable)
        outcome = as_outcome(found, answer, note)
        self._refused += is_refused(outcome)
        if found is Happened.FORBIDDEN or (self._refused >= MOST and not self.accepted):
            self._end()
        return outcome

    def _end(self) -> None:
        self._instead = Answer(Reach.HELD)


def as_outcome(found: Happened, answer: Answer, note: str = "") -> Outcome:
    """What is reported of ``answer``."""
    said = note if answer.is_recognised else noted(note, STRANGER)
    return Outcome(found, answer.code, noted(said, answer.text), answer.retry_after, answer.pause, note)


def noted(note: str, text: str) -> str:
    """The detail of an outcome: what the bridge has to say of it, then what Voucherify said."""
    return "\n".join(part for part in (note, text) if part)
