from collections.abc import Callable
from typing import Any

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.errors import NoSuchEvent
from bridge.messages import Status
from bridge.operations.history import Entry, Filter, Story, counts, entries, story
from tests.delivery.arrivals import SINK, keep, received
from tests.delivery.sinks import DELIVERED, ScriptedSink

NOW = 1_900_000_000.0
REFUSED = Outcome(Happened.REJECTED, 400, "refused")


@pytest.fixture
def ids(database: Database) -> dict[str, str]:
    """Add one event of each status, oldest first; return ids by status."""
    kept = {
        "delivered": received("delivered", at=NOW, payload=b"delivered"),
        "dead": received("dead", at=NOW + 1, payload=b"dead", customer="ben-2"),
        "waiting": received("waiting", at=NOW + 900, payload=b"waiting"),
        "ignored": received("ignored", at=NOW + 901, status=Status.IGNORED, customer=None),
        "quarantined": received("quarantined", at=NOW + 902, status=Status.QUARANTINED, customer=None),
    }
    keep(database, *kept.values())
    sink = ScriptedSink(lambda payload: REFUSED if payload == b"dead" else DELIVERED)
    Worker(Outbox(database), sink, Policy(max_age=86_400.0), clock=lambda: NOW + 2).step()
    return {name: one.message.id for name, one in kept.items()}


@pytest.fixture
def listed(database: Database, ids: dict[str, str]) -> Callable[..., list[str]]:
    """Return the statuses of the matching events."""

    def find(limit: int = 100, **wanted: Any) -> list[str]:
        with database.reading() as connection:
            found = entries(connection, Filter(**wanted), limit)
        assert [one.status for one in found] == [
            name for one in found for name, known in ids.items() if known == one.id
        ]
        return [one.status for one in found]

    return find


def read(database: Database, event_id: str) -> Story:
    with database.reading() as connection:
        return story(connection, event_id)


def test_events_are_listed_newest_first(listed: Callable[..., list[str]]) -> None:
    assert listed() == ["quarantined", "ignored", "waiting", "dead", "delivered"]
    assert listed(limit=2) == ["quarantined", "ignored"]


@pytest.mark.parametrize("status", ["quarantined", "ignored", "waiting", "dead", "delivered"])
def test_they_are_found_by_where_they_stand(listed: Callable[..., list[str]], status: str) -> None:
    assert listed(status=status) == [status]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param({"customer": "ben-2"}, ["dead"], id="customer"),
        pytest.param({"event": "Customer Rewarded", "status": "dead"}, ["dead"], id="event and status"),
        pytest.param({"event": "Another"}, [], id="another event"),
        pytest.param({"direction": "to_voucherify"}, [], id="the other direction"),
        pytest.param({"direction": "to_segment", "customer": "anna-1"}, ["waiting", "delivered"], id="direction"),
        pytest.param({"status": "accepted"}, [], id="no standing of a delivery"),
    ],
)
def test_they_are_found_by_what_they_are(
    listed: Callable[..., list[str]], wanted: dict[str, str], found: list[str]
) -> None:
    assert listed(**wanted) == found


def test_a_list_continues_where_it_ended(listed: Callable[..., list[str]], ids: dict[str, str]) -> None:
    assert listed(before=ids["waiting"]) == ["dead", "delivered"]
    assert listed(before=ids["delivered"]) == []


def test_an_entry_says_what_became_of_it(database: Database, ids: dict[str, str]) -> None:
    keep(database, received("dead", payload=b"dead"))
    assert read(database, ids["dead"]).entry == Entry(
        id=ids["dead"],
        received_at=NOW + 1,
        direction="to_segment",
        event="Customer Rewarded",
        status="dead",
        reason="rejected 400",
        customer="ben-2",
        repeats=1,
        attempts=1,
        settled_at=NOW + 2,
    )


def test_a_story_tells_from_the_first_byte_to_the_last_answer(database: Database, ids: dict[str, str]) -> None:
    told = read(database, ids["dead"])
    assert told.body == b"dead content"
    [delivery] = told.deliveries
    assert (delivery.sink, delivery.key, delivery.status, delivery.payload) == (SINK, "dead", "dead", b"dead")
    [attempt] = delivery.attempts
    assert (attempt.at, attempt.outcome, attempt.code, attempt.detail) == (NOW + 2, "rejected", 400, "refused")


def test_the_story_of_what_was_never_sent_has_no_attempt(database: Database, ids: dict[str, str]) -> None:
    assert read(database, ids["waiting"]).deliveries[0].attempts == ()
    assert read(database, ids["quarantined"]).deliveries == ()
    assert read(database, ids["quarantined"]).entry.reason == "a reason"


def test_there_is_no_story_of_what_is_not_there(database: Database, ids: dict[str, str]) -> None:
    with pytest.raises(NoSuchEvent, match="NOTHING"):
        read(database, "NOTHING")


def test_events_are_counted_by_name_and_standing(database: Database, ids: dict[str, str]) -> None:
    with database.reading() as connection:
        assert counts(connection, Filter()) == {("Customer Rewarded", name): 1 for name in ids}
