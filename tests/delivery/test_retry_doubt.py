"""Decisions on unknown outcomes, and on pauses that a service asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.rules.retry import LONGEST_PAUSE_SECONDS, Fate, Policy, Tried, decide
from bridge.delivery.rules.sink import Happened, Outcome

NOW = 1_900_000_000.0
POLICY = Policy(max_age=1_000.0)
FRESH, OLD = Tried(2, NOW - 10.0), Tried(2, NOW - 1_001.0)


def test_one_in_doubt_is_tried_again_soon() -> None:
    decision = decide(Outcome(Happened.UNKNOWN), FRESH, POLICY, NOW, 0.5)
    assert (decision.fate, decision.due_at, decision.attempts) == (Fate.WAITING, NOW + 4.0, 3)
    assert decision.pause_until is None


def test_one_in_doubt_waits_as_long_as_it_is_asked_to() -> None:
    assert decide(Outcome(Happened.UNKNOWN, retry_after=30.0), FRESH, POLICY, NOW, 0.5).due_at == NOW + 30.0


def test_one_that_is_too_old_and_in_doubt_is_an_operator_s() -> None:
    assert decide(Outcome(Happened.UNKNOWN), OLD, POLICY, NOW, 0.5).fate is Fate.UNCERTAIN
    assert decide(Outcome(Happened.FAILED), OLD, POLICY, NOW, 0.5).fate is Fate.DEAD


@pytest.mark.parametrize("tried", [FRESH, OLD], ids=["fresh", "old"])
def test_an_uncertain_outcome_is_an_operators_at_once(tried: Tried) -> None:
    decision = decide(Outcome(Happened.UNCERTAIN), tried, POLICY, NOW, 0.5)
    assert (decision.fate, decision.attempts) == (Fate.UNCERTAIN, 3)


@given(happened=st.sampled_from(Happened), pause=st.floats(0.0, LONGEST_PAUSE_SECONDS), chance=st.floats(0.0, 0.99))
def test_a_pause_never_ends_early_whatever_happened(happened: Happened, pause: float, chance: float) -> None:
    asked = decide(Outcome(happened, pause=pause), FRESH, POLICY, NOW, chance)
    unasked = decide(Outcome(happened), FRESH, POLICY, NOW, chance)
    assert asked.pause_until is not None
    assert asked.pause_until >= NOW + pause
    assert (asked.fate, asked.due_at, asked.attempts) == (unasked.fate, unasked.due_at, unasked.attempts)


@pytest.mark.parametrize("asked", [LONGEST_PAUSE_SECONDS + 1.0, 1e12, float("inf")])
def test_an_absurd_pause_is_capped(asked: float) -> None:
    assert (
        decide(Outcome(Happened.DELIVERED, pause=asked), FRESH, POLICY, NOW, 0.0).pause_until
        == NOW + LONGEST_PAUSE_SECONDS
    )
    throttled = decide(Outcome(Happened.THROTTLED, retry_after=asked, pause=asked), FRESH, POLICY, NOW, 0.0)
    assert throttled.pause_until == NOW + LONGEST_PAUSE_SECONDS
