"""Doubt: the time since which a delivery may have been accepted."""

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries
from bridge.delivery.outbox.outbox import Claim, Outbox
from bridge.delivery.rules.sink import Happened, Outcome
from tests.delivery import lanes
from tests.delivery.arrivals import keep, rows
from tests.delivery.lanes import (
    DELIVERED,
    FAILED,
    LEASE,
    NOW,
    REJECTED,
    UNCERTAIN,
    UNKNOWN,
    UNTRIED,
    call,
    settle,
)

LATER = NOW + 60
THROTTLED = Outcome(Happened.THROTTLED, 429, retry_after=1.0)


def claim(database: Database, now: float = NOW) -> list[Claim]:
    """Claim due deliveries, just before their call."""
    return Outbox(database).doubt(lanes.claim(database, now), now)


@pytest.fixture
def fresh(database: Database) -> list[Claim]:
    """Return a delivery that was claimed for the first time."""
    keep(database, call("anna", "a1"))
    return claim(database)


def doubt(database: Database, now: float = LATER) -> float | None:
    """Return the doubt of the next claim."""
    [claimed] = claim(database, now)
    return claimed.parcel.in_doubt_since


def test_what_is_claimed_for_the_first_time_is_in_no_doubt(fresh: list[Claim]) -> None:
    assert fresh[0].parcel.in_doubt_since is None


def test_what_was_claimed_and_never_settled_is_in_doubt_since_then(database: Database, fresh: list[Claim]) -> None:
    assert doubt(database, NOW + LEASE) == NOW
    assert doubt(database, NOW + 2 * LEASE) == NOW


@pytest.mark.parametrize(
    ("outcome", "since"),
    [
        pytest.param(UNKNOWN, NOW, id="unknown"),
        pytest.param(FAILED, None, id="failed"),
        pytest.param(UNTRIED, None, id="untried"),
        pytest.param(THROTTLED, None, id="throttled"),
    ],
)
def test_what_an_outcome_leaves_of_a_fresh_claim(
    database: Database, fresh: list[Claim], outcome: Outcome, since: float | None
) -> None:
    settle(database, fresh, outcome)
    assert rows(database, deliveries)[0]["doubt_since"] == since
    assert doubt(database) == since


@pytest.mark.parametrize(
    ("outcome", "since"),
    [
        # It was looked up before it was sent again, so the doubt that counts is the new one.
        pytest.param(UNKNOWN, NOW + LEASE, id="unknown"),
        # The look-up failed, or was not made: nothing is known that was not known before.
        pytest.param(FAILED, NOW, id="failed"),
        pytest.param(UNTRIED, NOW, id="untried"),
        pytest.param(THROTTLED, NOW, id="throttled"),
    ],
)
def test_what_an_outcome_leaves_of_a_claim_in_doubt(
    database: Database, fresh: list[Claim], outcome: Outcome, since: float
) -> None:
    again = claim(database, NOW + LEASE)
    settle(database, again, outcome, NOW + LEASE)
    assert doubt(database, NOW + LEASE + 60) == since


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED, UNCERTAIN], ids=["delivered", "rejected", "uncertain"])
@pytest.mark.parametrize("before", [None, UNKNOWN], ids=["fresh", "in doubt"])
def test_what_is_settled_for_good_is_in_no_doubt(
    database: Database, fresh: list[Claim], before: Outcome | None, outcome: Outcome
) -> None:
    if before:
        settle(database, fresh, before)
        fresh = claim(database, LATER)
    settle(database, fresh, outcome, LATER)
    assert rows(database, deliveries)[0]["doubt_since"] is None


def test_who_slept_past_its_lease_clears_no_doubt(database: Database, fresh: list[Claim]) -> None:
    claim(database, NOW + LEASE)
    settle(database, fresh, UNTRIED)
    assert doubt(database, NOW + 2 * LEASE) == NOW


def test_a_doubt_is_that_of_one_claim(database: Database, fresh: list[Claim]) -> None:
    keep(database, call("anna", "a2"), call("boris", "b1"))
    settle(database, fresh, UNKNOWN)
    assert [(one.parcel.key, one.parcel.in_doubt_since) for one in claim(database, LATER)] == [
        ("a1", NOW),
        ("b1", None),
    ]
