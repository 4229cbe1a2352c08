"""Followers: deliveries behind the first of a lane that are merged into it."""

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import attempts, deliveries
from bridge.delivery.lanes import LONGEST_RUN
from bridge.delivery.outbox.outbox import Claim
from bridge.delivery.rules.sink import Happened, Job, Outcome
from tests.delivery.arrivals import keep, keep_together, rows, run_again
from tests.delivery.lanes import (
    DELIVERED,
    FAILED,
    LEASE,
    NOW,
    POLICY,
    REJECTED,
    UNKNOWN,
    UNTRIED,
    call,
    claim,
    drain,
    names,
    settle,
    standing,
    upsert,
)


def fill(database: Database, text: str) -> None:
    """Add a call for each letter; upper case may be merged."""
    keep(database, *(call("anna", letter, mergeable=letter.isupper()) for letter in text))


def runs(claims: list[Claim]) -> list[tuple[str, str]]:
    return [
        (one.parcel.payload.decode(), "".join(follower.decode() for follower in one.parcel.followers)) for one in claims
    ]


@pytest.mark.parametrize(
    ("waiting", "first", "followers"),
    [
        pytest.param("A", "A", "", id="alone"),
        pytest.param("ABC", "A", "BC", id="all of them"),
        pytest.param("ABcDE", "A", "B", id="up to an event"),
        pytest.param("AbCD", "A", "", id="an event directly behind"),
        pytest.param("aBCD", "a", "", id="behind an event"),
        pytest.param("abc", "a", "", id="none of them"),
    ],
)
def test_followers_are_handed_over_as_far_as_mergeable_follows_mergeable(
    database: Database, waiting: str, first: str, followers: str
) -> None:
    fill(database, waiting)
    [claimed] = claim(database)
    assert runs([claimed]) == [(first, followers)]
    assert claimed.tried.merged is bool(followers)
    assert len(claimed.followers) == len(followers)


def test_followers_are_those_of_the_same_lane(database: Database) -> None:
    keep(database, upsert("anna", "a1"), upsert("boris", "b1"), upsert("anna", "a2"), upsert("boris", "b2"))
    keep(database, call("carla", "c1"), upsert("carla", "c2"), upsert("anna", "a3"))
    keep(database, call("anna", "other's", mergeable=True, sink="other"))
    assert runs(claim(database)) == [("a1", "a2a3"), ("b1", "b2"), ("c1", "")]


def test_a_run_has_an_end(database: Database) -> None:
    keep_together(database, *(upsert("anna", f"{number}") for number in range(LONGEST_RUN + 5)))
    [claimed] = claim(database)
    assert len(claimed.parcel.followers) == LONGEST_RUN
    settle(database, [claimed])
    assert list(standing(database).values()) == ["delivered"] * (LONGEST_RUN + 1) + ["waiting"] + ["queued"] * 3
    assert drain(database) == [str(number) for number in range(LONGEST_RUN + 1, LONGEST_RUN + 5)]


def test_what_happened_to_the_first_has_happened_to_its_followers(database: Database) -> None:
    fill(database, "ABCd")
    settle(database, claim(database))
    assert standing(database) == {"A": "delivered", "B": "delivered", "C": "delivered", "d": "waiting"}
    assert [(row["attempts"], row["settled_at"]) for row in rows(database, deliveries)] == [(1, NOW)] * 3 + [(0, None)]
    assert [row["code"] for row in rows(database, deliveries)] == [200] * 3 + [None]


AGAIN = pytest.mark.parametrize("outcome", [FAILED, UNKNOWN, UNTRIED], ids=["failed", "unknown", "untried"])


@AGAIN
def test_followers_of_a_retried_delivery_do_not_change(database: Database, outcome: Outcome) -> None:
    fill(database, "ABC")
    settle(database, claim(database), outcome)
    assert standing(database) == {"A": "waiting", "B": "queued", "C": "queued"}
    assert [row["attempts"] for row in rows(database, deliveries)][1:] == [0, 0]
    assert len(rows(database, attempts)) == (outcome is not UNTRIED)
    assert drain(database, NOW + 60) == ["A", "B", "C"]


@AGAIN
def test_at_a_repeat_the_same_ones_are_merged(database: Database, outcome: Outcome) -> None:
    # The outcome of the first attempt is unknown: with fewer, an older value could follow a newer one.
    fill(database, "ABC")
    settle(database, claim(database), outcome)
    fill(database, "DE")
    claims = claim(database, NOW + 60)
    assert runs(claims) == [("A", "BC")]
    settle(database, claims, DELIVERED, NOW + 60)
    assert runs(claim(database, NOW + 60)) == [("D", "E")]


def test_when_a_lease_has_ended_the_same_ones_are_merged(database: Database) -> None:
    fill(database, "AB")
    claim(database)
    fill(database, "C")
    assert runs(claim(database, NOW + LEASE)) == [("A", "B")]


def test_an_upsert_whose_worker_was_killed_may_be_part_of_a_bulk(database: Database) -> None:
    fill(database, "A")
    [first] = claim(database)
    [again] = claim(database, NOW + LEASE)
    assert (first.parcel.in_doubt_since, again.parcel.in_doubt_since) == (None, NOW + LEASE)
    settle(database, [again], DELIVERED, NOW + LEASE)
    fill(database, "b")
    claim(database, NOW + LEASE)
    [not_posted] = claim(database, NOW + 2 * LEASE)
    assert not_posted.parcel.in_doubt_since is None


def test_one_that_was_alone_is_merged_with_what_has_come_meanwhile(database: Database) -> None:
    fill(database, "A")
    settle(database, claim(database), FAILED)
    fill(database, "BC")
    assert runs(claim(database, NOW + 60)) == [("A", "BC")]


def test_after_a_merged_one_was_rejected_the_first_is_sent_alone(database: Database) -> None:
    fill(database, "ABC")
    settle(database, claim(database), REJECTED)
    assert standing(database) == {"A": "waiting", "B": "queued", "C": "queued"}
    [alone] = claim(database)
    assert runs([alone]) == [("A", "")]
    assert not alone.tried.merged
    settle(database, [alone], FAILED)
    [alone] = claim(database, NOW + 60)
    assert runs([alone]) == [("A", "")]
    settle(database, [alone], DELIVERED, NOW + 60)
    # The others are merged again.
    assert runs(claim(database, NOW + 60)) == [("B", "C")]


def test_before_those_that_were_merged_are_too_old_each_is_tried_alone(database: Database) -> None:
    fill(database, "AB")
    old = NOW + 10 * POLICY.max_age
    settle(database, claim(database, old), FAILED, old)
    assert standing(database) == {"A": "waiting", "B": "queued"}
    settle(database, claim(database, old), FAILED, old)
    assert standing(database) == {"A": "dead", "B": "waiting"}


def test_a_replayed_dead_letter_is_sent_alone_if_it_is_not_the_first(database: Database) -> None:
    # It was refused before, and has attempts of its own.
    [first] = keep(database, upsert("anna", "A"))
    settle(database, claim(database), REJECTED)
    fill(database, "BCD")
    run_again(database, first, upsert("anna", "A").arrival, NOW)
    assert standing(database) == {"A": "queued", "B": "waiting", "C": "queued", "D": "queued"}
    sent = []
    while claims := claim(database):
        sent.append("".join(names(claims)))
        settle(database, claims)
    assert sent == ["B", "ACD"]
    assert set(standing(database).values()) == {"delivered"}


def test_one_that_is_refused_alone_is_a_dead_letter_and_the_customer_moves_on(database: Database) -> None:
    fill(database, "ABC")
    settle(database, claim(database), REJECTED)
    settle(database, claim(database), REJECTED)
    assert standing(database) == {"A": "dead", "B": "waiting", "C": "queued"}
    assert [row["detail"] for row in rows(database, attempts)] == ["no", "no"]


def test_a_lost_claim_settles_no_follower(database: Database) -> None:
    fill(database, "ABC")
    slept = claim(database)
    again = claim(database, NOW + LEASE)
    settle(database, slept)
    assert standing(database) == {"A": "sending", "B": "queued", "C": "queued"}
    settle(database, again)
    assert set(standing(database).values()) == {"delivered"}
    assert [row["claim"] for row in rows(database, attempts)] == [1]


def test_a_follower_that_is_the_first_by_now_is_not_settled_by_who_slept(database: Database) -> None:
    fill(database, "AB")
    slept = claim(database)
    settle(database, claim(database, NOW + LEASE), REJECTED, NOW + LEASE)
    settle(database, claim(database, NOW + LEASE), REJECTED, NOW + LEASE)
    assert standing(database) == {"A": "dead", "B": "waiting"}
    settle(database, slept)
    assert standing(database) == {"A": "dead", "B": "waiting"}


def test_what_came_after_the_claim_is_no_follower_of_it(database: Database) -> None:
    fill(database, "AB")
    claimed = claim(database)
    fill(database, "C")
    settle(database, claimed)
    assert standing(database) == {"A": "delivered", "B": "delivered", "C": "waiting"}


def test_order_holds_between_what_is_merged_and_what_is_not(database: Database) -> None:
    fill(database, "ABcDeFG")
    sent: list[str] = []
    while claims := claim(database):
        sent.append("".join(names(claims)))
        settle(database, claims)
    assert sent == ["AB", "c", "D", "e", "FG"]


def test_what_arrives_after_a_job_began_is_not_part_of_it(database: Database) -> None:
    fill(database, "A")
    settle(database, claim(database), Outcome(Happened.PROCESSING, 202, job=Job("aa_1", NOW)))
    fill(database, "BC")
    claims = claim(database, NOW + 60)
    assert runs(claims) == [("A", "")]
    settle(database, claims, DELIVERED, NOW + 60)
    assert drain(database, NOW + 60) == ["B", "C"]


def test_what_was_merged_when_a_job_began_is_part_of_it(database: Database) -> None:
    fill(database, "AB")
    settle(database, claim(database), Outcome(Happened.PROCESSING, 202, job=Job("aa_1", NOW)))
    fill(database, "C")
    assert runs(claim(database, NOW + 60)) == [("A", "B")]
