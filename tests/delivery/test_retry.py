from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.rules.retry import (
    FIRST_DELAY_SECONDS,
    FORBIDDEN_PAUSE_SECONDS,
    LONGEST_DELAY_SECONDS,
    LONGEST_PAUSE_SECONDS,
    LONGEST_REPEATED_PAUSE_SECONDS,
    ROW_SECONDS,
    UNTOLD_PAUSE,
    Decision,
    Fate,
    Policy,
    Throttling,
    Tried,
    decide,
    delay,
    is_throttled,
    least_pause,
    throttled_again,
)
from bridge.delivery.rules.sink import Happened, Outcome

NOW, DAY = 1_000_000.0, 86_400.0
POLICY = Policy(max_age=7 * DAY)
YOUNG, OLD = Tried(3, NOW - 60), Tried(3, NOW - 8 * DAY)

TIMES = st.floats(0, 4e9)
CHANCES = st.floats(0, 1, exclude_max=True)
TRIED = st.builds(Tried, attempts=st.integers(0, 10_000), created_at=TIMES)
OUTCOMES = st.builds(
    Outcome,
    happened=st.sampled_from(Happened),
    code=st.none() | st.integers(100, 599),
    retry_after=st.none() | st.floats(0, 1e9),
)


@pytest.mark.parametrize(
    ("outcome", "tried", "decision"),
    [
        pytest.param(Outcome(Happened.DELIVERED), YOUNG, Decision(Fate.DELIVERED, NOW, 4), id="delivered"),
        pytest.param(Outcome(Happened.DELIVERED), OLD, Decision(Fate.DELIVERED, NOW, 4), id="delivered, old"),
        pytest.param(Outcome(Happened.REJECTED), YOUNG, Decision(Fate.DEAD, NOW, 4), id="rejected"),
        pytest.param(Outcome(Happened.FAILED), YOUNG, Decision(Fate.WAITING, NOW + 16, 4, held_up=True), id="failed"),
        pytest.param(Outcome(Happened.FAILED), OLD, Decision(Fate.DEAD, NOW, 4), id="failed, old"),
        pytest.param(
            Outcome(Happened.FAILED, retry_after=90.0),
            YOUNG,
            Decision(Fate.WAITING, NOW + 90, 4),
            id="failed, told when",
        ),
        pytest.param(
            Outcome(Happened.FAILED, retry_after=1.0),
            YOUNG,
            Decision(Fate.WAITING, NOW + 16, 4),
            id="failed, told sooner",
        ),
        pytest.param(
            Outcome(Happened.THROTTLED, retry_after=90.0),
            YOUNG,
            Decision(Fate.WAITING, NOW + 90, 3, pause_until=NOW + 90, held_up=True),
            id="throttled",
        ),
        pytest.param(
            Outcome(Happened.THROTTLED, retry_after=1e9),
            YOUNG,
            Decision(Fate.WAITING, NOW + 3_600, 3, pause_until=NOW + 3_600, held_up=True),
            id="throttled for thirty years",
        ),
        pytest.param(
            Outcome(Happened.THROTTLED, retry_after=0.001),
            YOUNG,
            Decision(Fate.WAITING, NOW + 1, 3, pause_until=NOW + 1, held_up=True),
            id="throttled for a moment",
        ),
        pytest.param(
            Outcome(Happened.DELIVERED, 200, pause=0.0),
            YOUNG,
            Decision(Fate.DELIVERED, NOW, 4, pause_until=NOW + 1),
            id="delivered, and a pause that is past",
        ),
        pytest.param(
            Outcome(Happened.PROCESSING, 202, retry_after=0.5),
            OLD,
            Decision(Fate.WAITING, NOW + 0.5, 3),
            id="processing",
        ),
        pytest.param(
            Outcome(Happened.THROTTLED, retry_after=0.0),
            YOUNG,
            Decision(Fate.WAITING, NOW + UNTOLD_PAUSE, 3, pause_until=NOW + UNTOLD_PAUSE, held_up=True),
            id="throttled for no time",
        ),
        pytest.param(
            Outcome(Happened.THROTTLED),
            OLD,
            Decision(Fate.WAITING, NOW + UNTOLD_PAUSE, 3, pause_until=NOW + UNTOLD_PAUSE, held_up=True),
            id="throttled, old, not told how long",
        ),
        pytest.param(
            Outcome(Happened.FORBIDDEN),
            OLD,
            Decision(
                Fate.WAITING, NOW + FORBIDDEN_PAUSE_SECONDS, 3, pause_until=NOW + FORBIDDEN_PAUSE_SECONDS, held_up=True
            ),
            id="forbidden, old",
        ),
        pytest.param(Outcome(Happened.UNTRIED), OLD, Decision(Fate.WAITING, NOW, 3), id="untried, old"),
    ],
)
def test_what_follows_from_what_happened(outcome: Outcome, tried: Tried, decision: Decision) -> None:
    assert decide(outcome, tried, POLICY, NOW, chance=1.0) == decision


@pytest.mark.parametrize(
    ("outcome", "held_up"),
    [
        pytest.param(Outcome(Happened.FAILED, 503, retry_after=60.0), True, id="503, told when"),
        pytest.param(Outcome(Happened.FAILED), True, id="unreachable"),
        pytest.param(Outcome(Happened.UNKNOWN, 500), True, id="unknown, 500"),
        pytest.param(Outcome(Happened.FAILED, 408), True, id="408"),
        pytest.param(Outcome(Happened.FAILED, 200), True, id="a stranger's 200"),
        pytest.param(Outcome(Happened.FAILED, 403), False, id="a refusal of its own"),
        pytest.param(Outcome(Happened.FAILED, retry_after=60.0), False, id="a wait of the sink's own"),
        pytest.param(Outcome(Happened.UNTRIED), False, id="untried"),
        pytest.param(Outcome(Happened.PROCESSING, 202), False, id="processing"),
    ],
)
def test_only_the_service_holds_a_delivery_up(outcome: Outcome, *, held_up: bool) -> None:
    assert decide(outcome, YOUNG, POLICY, NOW, 0.5).held_up is held_up
    assert not decide(outcome, replace(YOUNG, brought_at=NOW - 10), POLICY, NOW, 0.5).held_up


@given(OUTCOMES, TRIED, TIMES, CHANCES)
def test_nothing_is_due_in_the_past_or_forgotten_for_long(
    outcome: Outcome, tried: Tried, now: float, chance: float
) -> None:
    decision = decide(outcome, tried, POLICY, now, chance)
    assert now <= decision.due_at <= now + max(LONGEST_DELAY_SECONDS, LONGEST_PAUSE_SECONDS)
    assert decision.attempts - tried.attempts in (0, 1)


@given(OUTCOMES, TRIED, TIMES, CHANCES)
def test_only_a_refusal_or_age_makes_a_dead_letter(outcome: Outcome, tried: Tried, now: float, chance: float) -> None:
    dead = decide(outcome, tried, POLICY, now, chance).fate is Fate.DEAD
    too_old = outcome.happened is Happened.FAILED and now - tried.created_at > POLICY.max_age
    assert dead == (outcome.happened is Happened.REJECTED or too_old)


@given(OUTCOMES, TRIED, TIMES, CHANCES)
def test_a_pause_of_the_sink_costs_no_attempt(outcome: Outcome, tried: Tried, now: float, chance: float) -> None:
    decision = decide(outcome, tried, POLICY, now, chance)
    if decision.pause_until is not None:
        assert outcome.happened in (Happened.THROTTLED, Happened.FORBIDDEN)
        assert (decision.fate, decision.attempts) == (Fate.WAITING, tried.attempts)
        assert decision.due_at == decision.pause_until
    else:
        assert outcome.happened not in (Happened.THROTTLED, Happened.FORBIDDEN)


@given(TRIED, TIMES, CHANCES, st.floats(0, LONGEST_PAUSE_SECONDS))
def test_it_waits_at_least_as_long_as_it_is_asked_to(tried: Tried, now: float, chance: float, asked: float) -> None:
    for happened in (Happened.THROTTLED, Happened.FAILED):
        decision = decide(Outcome(happened, retry_after=asked), tried, POLICY, now, chance)
        assert decision.fate is Fate.DEAD or decision.due_at >= now + asked


@given(st.integers(0, 10_000), CHANCES)
def test_the_jitter_is_full_and_bounded(attempts: int, chance: float) -> None:
    longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempts, 1_000))
    assert delay(attempts, chance) == pytest.approx(chance * longest)


@given(st.integers(0, 1_000), CHANCES)
def test_the_longer_it_fails_the_longer_it_waits(attempts: int, chance: float) -> None:
    assert delay(attempts, chance) <= delay(attempts + 1, chance)


@given(st.integers(1, 10_000))
def test_a_429_that_repeats_costs_ever_longer_waits(times: int) -> None:
    assert least_pause(times) <= least_pause(times + 1) <= LONGEST_REPEATED_PAUSE_SECONDS
    assert times == 1 or least_pause(times) >= 2 * UNTOLD_PAUSE


@pytest.mark.parametrize(
    ("last", "accepted_at", "times"),
    [
        pytest.param(None, 0.0, 1, id="the first"),
        pytest.param(Throttling(3, NOW - 20), 0.0, 4, id="another"),
        pytest.param(Throttling(3, NOW - 20), NOW - 30, 4, id="another, and nothing was accepted since"),
        pytest.param(Throttling(3, NOW - 20), NOW - 10, 1, id="something was accepted since"),
        pytest.param(Throttling(3, NOW - ROW_SECONDS - 1), 0.0, 1, id="the last one was long ago"),
    ],
)
def test_what_counts_as_a_repetition(last: Throttling | None, accepted_at: float, times: int) -> None:
    assert throttled_again(last, accepted_at, NOW) == Throttling(times, NOW)


@pytest.mark.parametrize("happened", Happened)
def test_a_429_is_one_whatever_became_of_the_delivery(happened: Happened) -> None:
    assert is_throttled(Outcome(happened, 429))
    assert is_throttled(Outcome(happened, 503)) == (happened is Happened.THROTTLED)
