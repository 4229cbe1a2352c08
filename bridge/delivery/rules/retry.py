"""Retry policy, pure: what follows from the outcome of a sink.

delivered                           → delivered
rejected                            → a dead letter; if it was merged with others, retried alone
failed                              → retried with full jitter; a dead letter when it is too old
throttled                           → the sink pauses for all workers, longer while it repeats; costs no attempt
forbidden                           → the sink pauses for all workers; costs no attempt, and makes no dead letter
untried                             → due at once; costs no attempt
processing                          → its job is looked at when it is due; costs no attempt
unknown                             → retried with full jitter after a look-up; uncertain when it is too old
uncertain                           → an operator decides

Any outcome may ask for a pause. No worker calls the sink before its end. After a 429, the first call is a single
delivery.

A delivery that waits because of its service is *held up*. The next success brings held up deliveries forward, twice as
many with each success.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus

from bridge.delivery.rules.sink import Happened, Outcome

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 1.0, 600.0
"""Seconds of the first delay and of the longest.

Full jitter waits between zero and first · 2^attempts, at most the longest.

Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

UNTOLD_PAUSE = 10.0
"""Seconds of pause after a 429 that names no future time."""

LONGEST_REPEATED_PAUSE_SECONDS = 300.0
"""Seconds of the longest pause that the bridge chooses while 429 repeats."""

ROW_SECONDS = 2 * LONGEST_REPEATED_PAUSE_SECONDS
"""Seconds between two answers of 429 that end a row of them."""

SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 3_600.0
"""Seconds of the shortest and the longest pause that a service may ask for.

A longer one is taken for a mistake: milliseconds, or a wrong clock.
"""

LONGEST_RAMP = 1_024
"""Deliveries that one success brings forward at most."""

FORBIDDEN_PAUSE_SECONDS = 60.0
"""Seconds until the credentials are tried again.

An operator may have corrected them at the service.
"""


class Fate(StrEnum):
    """Status of a delivery."""

    WAITING = "waiting"
    QUEUED = "queued"
    """It follows another delivery of its lane."""
    SENDING = "sending"
    """A worker has claimed it, until its lease expires."""
    DELIVERED = "delivered"
    DEAD = "dead"
    UNCERTAIN = "uncertain"
    DISCARDED = "discarded"
    """An operator discarded it: see ``discard.py``."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What the policy knows of a delivery.

    That is its attempts, its time of creation, and whether others were merged into it.

    Attributes:
        brought_at: when a success last brought it forward (epoch seconds); 0 if never.
    """

    attempts: int
    created_at: float
    merged: bool = False
    brought_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's setting: seconds until a failing delivery becomes a dead letter."""

    max_age: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on one delivery.

    Attributes:
        fate: its new status.
        due_at: the time before which it is not sent (epoch seconds).
        attempts: number of its attempts.
        pause_until: the time before which no worker calls the sink (epoch seconds), or None.
        alone: whether it must not be merged with others any more.
        held_up: whether it waits because of the service: the next success brings it forward. The worker unsets it if
            the service handled others of the same ``send``.
    """

    fate: Fate
    due_at: float
    attempts: int
    pause_until: float | None = None
    alone: bool = False
    held_up: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    outcome: Outcome
    tried: Tried
    policy: Policy
    now: float
    chance: float


@dataclass(frozen=True, slots=True)
class Throttling:
    """The latest answer of 429: its number in a row, and its time."""

    times: int
    at: float


def is_throttled(outcome: Outcome) -> bool:
    """Return whether the service answered 429 to the delivery or a call for it."""
    return outcome.happened is Happened.THROTTLED or outcome.code == HTTPStatus.TOO_MANY_REQUESTS


def throttled_again(last: Throttling | None, accepted_at: float, now: float) -> Throttling:
    """Count another answer of 429.

    Args:
        last: the one before, if there was one.
        accepted_at: when the service last accepted something, which ends a row.
    """
    in_a_row = last is not None and accepted_at <= last.at and now - last.at <= ROW_SECONDS
    return Throttling(last.times + 1 if last and in_a_row else 1, now)


def least_pause(times: int) -> float:
    """Return the shortest pause in seconds after so many 429 in a row."""
    return min(LONGEST_REPEATED_PAUSE_SECONDS, UNTOLD_PAUSE * 2.0 ** min(times - 1, 32)) if times > 1 else 0.0


def decide(outcome: Outcome, tried: Tried, policy: Policy, now: float, chance: float) -> Decision:
    """Decide on a delivery after ``outcome``.

    Args:
        now: epoch seconds.
        chance: a random number of [0, 1), which the jitter is drawn with.
    """
    decision = _RULES[outcome.happened](_Case(outcome, tried, policy, now, chance))
    # If it fails although others succeed, it is the cause itself, and waits longer each time.
    is_first = now - tried.brought_at > LONGEST_DELAY_SECONDS
    is_held_up = decision.fate is Fate.WAITING and blames_service(outcome) and is_first
    decision = replace(decision, held_up=is_held_up)
    if outcome.pause is None:
        return decision
    return replace(decision, pause_until=max(decision.pause_until or 0.0, now + _bounded(outcome.pause)))


def blames_service(outcome: Outcome) -> bool:
    """Return whether the delivery failed because of the service, as others do meanwhile.

    A response of 4xx is about the delivery itself. A wait without a response is the sink's own, for this delivery.
    """
    if outcome.happened in (Happened.THROTTLED, Happened.FORBIDDEN):
        return True
    if outcome.happened not in (Happened.FAILED, Happened.UNKNOWN):
        return False
    if outcome.code is None:
        return outcome.retry_after is None
    return outcome.code == HTTPStatus.REQUEST_TIMEOUT or not _REFUSALS[0] <= outcome.code < _REFUSALS[1]


_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
"""The first status that refuses a delivery, and the first after these."""


def shows_service_works(outcome: Outcome) -> bool:
    """Return whether the service handles deliveries again."""
    return outcome.happened is Happened.DELIVERED or (
        outcome.happened is Happened.REJECTED and outcome.code is not None
    )


def _bounded(seconds: float) -> float:
    return max(SHORTEST_PAUSE_SECONDS, min(seconds, LONGEST_PAUSE_SECONDS))


def delay(attempts: int, chance: float) -> float:
    """Return the seconds to wait after so many failed attempts."""
    return chance * min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempts, 32))


def _delivered(case: _Case) -> Decision:
    return Decision(Fate.DELIVERED, case.now, case.tried.attempts + 1)


def _rejected(case: _Case) -> Decision:
    return _rejected_or_old(case)


def _failed(case: _Case) -> Decision:
    attempts = case.tried.attempts + 1
    if case.now - case.tried.created_at > case.policy.max_age:
        return _rejected_or_old(case)
    asked = 0.0 if case.outcome.retry_after is None else _bounded(case.outcome.retry_after)
    return Decision(Fate.WAITING, case.now + max(delay(attempts, case.chance), asked), attempts)


def _throttled(case: _Case) -> Decision:
    return _pause(case, _bounded(case.outcome.retry_after or UNTOLD_PAUSE))


def _forbidden(case: _Case) -> Decision:
    return _pause(case, FORBIDDEN_PAUSE_SECONDS)


def _untried(case: _Case) -> Decision:
    return Decision(Fate.WAITING, case.now, case.tried.attempts)


def _processing(case: _Case) -> Decision:
    wait = min(case.outcome.retry_after or 0.0, LONGEST_PAUSE_SECONDS)
    return Decision(Fate.WAITING, case.now + wait, case.tried.attempts)


def _unknown(case: _Case) -> Decision:
    again = _failed(case)
    # A dead letter can be replayed safely. This one may have been accepted.
    return replace(again, fate=Fate.UNCERTAIN) if again.fate is Fate.DEAD else again


def _uncertain(case: _Case) -> Decision:
    return Decision(Fate.UNCERTAIN, case.now, case.tried.attempts + 1)


def _rejected_or_old(case: _Case) -> Decision:
    """Decide on a delivery that is too old or rejected.

    Of several that were merged, one may be the cause. So each is sent alone before one of them is dead.
    """
    fate = Fate.WAITING if case.tried.merged else Fate.DEAD
    return Decision(fate, case.now, case.tried.attempts + 1, alone=case.tried.merged)


def _pause(case: _Case, seconds: float) -> Decision:
    until = case.now + seconds
    return Decision(Fate.WAITING, until, case.tried.attempts, pause_until=until)


_RULES: dict[Happened, Callable[[_Case], Decision]] = {
    Happened.DELIVERED: _delivered,
    Happened.REJECTED: _rejected,
    Happened.FAILED: _failed,
    Happened.THROTTLED: _throttled,
    Happened.FORBIDDEN: _forbidden,
    Happened.UNTRIED: _untried,
    Happened.PROCESSING: _processing,
    Happened.UNKNOWN: _unknown,
    Happened.UNCERTAIN: _uncertain,
}
