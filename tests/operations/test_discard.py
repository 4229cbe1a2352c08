"""Discard: the event is not delivered, and the next of its lane is sent.

A delivery in progress cannot be discarded.
"""

import pytest
from sqlalchemy import update

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, events, tallies
from bridge.errors import InHand, NoSuchEvent
from bridge.messages import Status
from bridge.operations.discard import discard
from bridge.operations.history import Filter, entries, story
from bridge.translation.replaying import TO_BE_SENT
from tests.delivery.arrivals import keep, received, rows, run_again
from tests.delivery.lanes import (
    FAILED,
    LEASE,
    NOW,
    REJECTED,
    UNCERTAIN,
    UNKNOWN,
    call,
    claim,
    drain,
    queue,
    settle,
    standing,
    upsert,
)


def give_up(database: Database, event_id: str, now: float = NOW) -> int:
    with database.writing() as connection:
        return discard(connection, event_id, now)


def bring_back(database: Database, event_id: str, lane: str, name: str) -> str:
    return run_again(database, event_id, call(lane, name).arrival, NOW)


def test_what_waits_is_not_sent(database: Database) -> None:
    [event_id] = queue(database, "anna", "one")
    assert give_up(database, event_id) == 1
    assert standing(database) == {"one": "discarded"}
    assert rows(database, deliveries)[0]["settled_at"] == NOW
    assert claim(database) == []


def test_a_discarded_delivery_is_counted_once(database: Database) -> None:
    [event_id] = queue(database, "anna", "one")
    for _ in range(2):
        give_up(database, event_id)
    counted = [row for row in rows(database, tallies) if row["what"] == "discarded"]
    assert [row["count"] for row in counted] == [1]


@pytest.mark.parametrize("outcome", [REJECTED, UNCERTAIN, FAILED, UNKNOWN], ids=lambda one: one.happened)
def test_what_was_tried_is_not_tried_again(database: Database, outcome: object) -> None:
    [event_id] = queue(database, "anna", "one")
    settle(database, claim(database), outcome)  # type: ignore[arg-type] # a parameter of the test
    assert give_up(database, event_id) == 1
    assert standing(database) == {"one": "discarded"}
    assert rows(database, deliveries)[0]["cause"] is None
    assert claim(database, NOW + 1e6) == []


def test_the_next_of_its_lane_is_sent(database: Database) -> None:
    [event_id, *_] = queue(database, "anna", "one", "two", "three")
    give_up(database, event_id)
    assert standing(database) == {"one": "discarded", "two": "waiting", "three": "queued"}
    assert drain(database) == ["two", "three"]


def test_what_is_queued_leaves_its_place(database: Database) -> None:
    [_, event_id, _] = queue(database, "anna", "one", "two", "three")
    assert give_up(database, event_id) == 1
    assert drain(database) == ["one", "three"]


def test_discarding_a_dead_letter_changes_no_other_in_its_lane(database: Database) -> None:
    [event_id, *_] = queue(database, "anna", "one", "two", "three")
    settle(database, claim(database), REJECTED)
    give_up(database, event_id)
    assert standing(database) == {"one": "discarded", "two": "waiting", "three": "queued"}


def test_a_delivery_in_progress_cannot_be_discarded(database: Database) -> None:
    [event_id] = queue(database, "anna", "one")
    claimed = claim(database)
    with pytest.raises(InHand):
        give_up(database, event_id)
    settle(database, claimed)
    assert standing(database) == {"one": "delivered"}
    assert give_up(database, event_id) == 0


def test_a_delivery_merged_into_one_in_progress_cannot_be_discarded(database: Database) -> None:
    _, merged = keep(database, upsert("anna", "one"), upsert("anna", "two"))
    claimed = claim(database)
    with pytest.raises(InHand):
        give_up(database, merged)
    settle(database, claimed)
    assert standing(database) == {"one": "delivered", "two": "delivered"}


def test_a_delivery_behind_one_in_progress_can_be_discarded(database: Database) -> None:
    [_, event_id] = queue(database, "anna", "one", "two")
    claimed = claim(database)
    assert give_up(database, event_id) == 1
    settle(database, claimed)
    assert standing(database) == {"one": "delivered", "two": "discarded"}


def test_a_claim_whose_holder_is_gone_settles_nothing_any_more(database: Database) -> None:
    [event_id] = queue(database, "anna", "one")
    lost = claim(database)
    assert give_up(database, event_id, NOW + LEASE) == 1
    settle(database, lost, now=NOW + LEASE + 1)
    assert standing(database) == {"one": "discarded"}


def test_a_delivery_between_two_attempts_can_be_discarded(database: Database) -> None:
    [event_id] = queue(database, "anna", "one")
    settle(database, claim(database), UNKNOWN)
    assert give_up(database, event_id, NOW) == 1


@pytest.mark.parametrize(
    ("outcome", "is_looked_up"), [(UNCERTAIN, True), (UNKNOWN, True), (REJECTED, False)], ids=lambda one: str(one)[:20]
)
def test_a_replay_brings_it_back_and_what_was_in_doubt_is_looked_up_first(
    *, database: Database, outcome: object, is_looked_up: bool
) -> None:
    [event_id] = queue(database, "anna", "one")
    settle(database, claim(database), outcome)  # type: ignore[arg-type] # a parameter of the test
    give_up(database, event_id)
    assert bring_back(database, event_id, "anna", "one") == TO_BE_SENT
    [claimed] = claim(database, NOW + 1)
    assert (claimed.parcel.in_doubt_since is not None) == is_looked_up


def test_a_quarantined_event_is_discarded_and_restored(database: Database) -> None:
    [event_id] = keep(database, received(None, status=Status.QUARANTINED))
    assert give_up(database, event_id) == 1
    assert rows(database, events)[0]["status"] == "discarded"
    with database.reading() as connection:
        assert [one.id for one in entries(connection, Filter(status="discarded"), 10)] == [event_id]
        assert [one.id for one in entries(connection, Filter(direction="to_segment"), 10)] == [event_id]
        assert entries(connection, Filter(status="quarantined"), 10) == []
    assert bring_back(database, event_id, "anna", "one") == TO_BE_SENT
    with database.reading() as connection:
        assert story(connection, event_id).entry.status == "waiting"


@pytest.mark.parametrize("status", [Status.IGNORED, Status.QUARANTINED])
def test_twice_is_harmless(database: Database, status: Status) -> None:
    [event_id] = keep(database, received(None, status=status))
    first = give_up(database, event_id)
    assert (first, give_up(database, event_id)) == (int(status is Status.QUARANTINED), 0)


def test_all_undelivered_deliveries_of_an_event_are_discarded(database: Database) -> None:
    [event_id] = keep(database, received("call", "a", "b", "c"))
    with database.writing() as connection:
        connection.execute(update(deliveries).where(deliveries.c.key == "b").values(status="delivered", settled_at=1.0))
    assert give_up(database, event_id) == 2
    assert standing(database) == {"a": "discarded", "b": "delivered", "c": "discarded"}


def test_there_is_nothing_to_give_up_of_what_is_not_there(database: Database) -> None:
    with pytest.raises(NoSuchEvent, match="NOTHING"):
        give_up(database, "NOTHING")
