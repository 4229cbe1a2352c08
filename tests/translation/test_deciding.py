"""Stored rows, and the decision on repeats, on both databases."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import deliveries, events, messages, repeats, seen
from bridge.messages import EventOutcome, Status
from bridge.operations.history import story
from bridge.to_segment import translate
from bridge.to_segment.catalogue import EVENTS
from bridge.translation.deciding import CONTRADICTION
from tests.delivery.arrivals import DOOR, SINK, Received, count, keep, keep_together, packed, received, rows
from tests.webhooks import DATA, distribution, encode, redemption, webhook


def webhooks(database: Database, *messages: dict[str, Any]) -> list[EventOutcome]:
    bodies = [encode(message) for message in messages]
    now = datetime(2031, 4, 9, tzinfo=UTC)
    return [write(database, packed(body, translate(body, now), 1_000.0)) for body in bodies]


def write(database: Database, one: Received) -> EventOutcome:
    [kept] = keep_together(database, one)
    return kept


def test_a_new_event_is_stored_with_its_body_and_its_delivery(database: Database) -> None:
    one = received("call", "key", at=1_234.5, payload=b'{"a": 1}')
    kept = write(database, one)
    assert kept == EventOutcome(one.message.id, Status.ACCEPTED, "Customer Rewarded", "")
    [event] = rows(database, events)
    assert [unpack(row["body"]) for row in rows(database, messages)] == [b"call content"]
    assert event == {
        "id": one.message.id,
        "door": DOOR,
        "direction": "to_segment",
        "status": "accepted",
        "event": "Customer Rewarded",
        "reason": "",
        "customer": "anna-1",
        "received_at": 1_234.5,
        "repeats": 0,
    }
    [delivery] = rows(database, deliveries)
    assert unpack(delivery["payload"]) == b'{"a": 1}'
    expected = {
        "event_id": one.message.id,
        "sink": SINK,
        "key": "key",
        "status": "waiting",
        "due_at": 1_234.5,
        "attempts": 0,
    }
    assert expected.items() <= delivery.items()


def test_a_repeat_is_a_duplicate_of_the_first_and_delivers_nothing(database: Database) -> None:
    first = write(database, received())
    later = received(at=20_000_000.0)
    assert write(database, later) == EventOutcome(first.id, Status.DUPLICATE, "Customer Rewarded", "")
    write(database, received())
    assert [event["repeats"] for event in rows(database, events)] == [2]
    assert count(database, deliveries) == 1


def test_the_same_event_with_other_data_is_quarantined(database: Database) -> None:
    first = write(database, received("call", content="one"))
    kept = write(database, received("call", content="other"))
    assert (kept.status, kept.reason) == (Status.QUARANTINED, f"{CONTRADICTION}, as {first.id}")
    assert kept.id != first.id
    assert count(database, deliveries) == 1


def test_the_same_delivery_of_another_call_is_a_duplicate_and_so_is_its_repeat(database: Database) -> None:
    [first, second, third] = keep(
        database, received("project", "key"), received("distribution", "key"), received("distribution", "key")
    )
    assert first == second == third
    assert count(database, deliveries) == 1
    assert rows(database, events)[0]["repeats"] == 2
    # An event that was a duplicate at first can be contradicted later.
    kept = write(database, received("distribution", "key", content="other"))
    assert kept.status is Status.QUARANTINED


def test_of_several_deliveries_only_the_new_ones_are_made(database: Database) -> None:
    keep(database, received("one", "a", "b"), received("two", "b", "c"))
    assert sorted(delivery["key"] for delivery in rows(database, deliveries)) == ["a", "b", "c"]
    assert [event["repeats"] for event in rows(database, events)] == [0, 0]


@pytest.mark.parametrize("status", [Status.IGNORED, Status.QUARANTINED])
def test_an_event_without_a_delivery_is_stored_once_too(database: Database, status: Status) -> None:
    first = write(database, received(status=status))
    assert (first.status, first.reason) == (status, "a reason")
    assert write(database, received(status=status)) == EventOutcome(first.id, Status.DUPLICATE, "Customer Rewarded", "")
    assert count(database, deliveries) == 0


def test_what_does_not_say_who_it_is_is_always_new(database: Database) -> None:
    first, second = keep(database, received(None, status=Status.QUARANTINED), received(None, status=Status.QUARANTINED))
    assert first != second
    assert count(database, events) == 2
    assert count(database, seen) == 0


def test_repeats_within_one_transaction_are_duplicates(database: Database) -> None:
    kept = keep_together(database, received("a"), received("a"), received("b", "a"), received("a", content="other"))
    assert [one.status for one in kept] == ["accepted", "duplicate", "duplicate", "quarantined"]
    assert len({one.id for one in kept[:3]}) == 1
    assert [row["repeats"] for row in rows(database, events)] == [2, 0]
    assert count(database, deliveries) == 1


def test_the_id_of_a_duplicate_leads_to_the_event_that_it_repeats(database: Database) -> None:
    first, again = received(), received(at=1_001.0)
    keep(database, first, again)
    assert [(row["id"], row["event_id"]) for row in rows(database, repeats)] == [(again.message.id, first.message.id)]
    with database.reading() as connection:
        assert story(connection, again.message.id).entry.id == first.message.id


# Webhooks


def test_project_and_distribution_webhook_of_one_redemption_are_one_event(database: Database) -> None:
    project = webhook("redemption.succeeded", redemption())
    other = distribution("redemption.succeeded", redemption())
    statuses = [kept.status for kept in webhooks(database, project, other, project, other)]
    assert statuses == ["accepted", "duplicate", "duplicate", "duplicate"]
    assert count(database, deliveries) == 1


def test_a_stack_of_five_is_six_events_however_often_it_is_repeated(database: Database) -> None:
    names = [*(f"r_{number}" for number in range(5)), "r_stack"]
    stack = [webhook("redemption.succeeded", redemption(name), event_id=f"ev_{name}") for name in names]
    told = [distribution("redemption.succeeded", redemption(name), event_id=f"ev_d_{name}") for name in names]
    statuses = [kept.status for kept in webhooks(database, *stack, *told, *stack)]
    assert statuses == ["accepted"] * 6 + ["duplicate"] * 12
    assert count(database, deliveries) == 6


def test_a_try_may_differ_in_its_own_id_and_time_but_not_in_its_data(database: Database) -> None:
    first = webhook("redemption.succeeded", redemption())
    again = first | {"id": "whs_2", "created_at": "2031-05-01T00:00:00.000Z"}
    changed = first | {"data": redemption(order={"id": "another"})}
    assert [kept.status for kept in webhooks(database, first, again, changed, again)] == [
        "accepted",
        "duplicate",
        "quarantined",
        "duplicate",
    ]


def test_all_twelve_events_are_stored_side_by_side(database: Database) -> None:
    kept = webhooks(database, *(webhook(one.type, DATA[one.type], event_id=one.type) for one in EVENTS))
    assert {one.status for one in kept} == {Status.ACCEPTED}
    assert count(database, deliveries) == 12


def test_what_no_text_column_holds_is_stored_as_bytes(database: Database) -> None:
    body = encode(webhook("redemption.succeeded", redemption())).replace(b"anna-1", rb"\u0000anna\ud800")
    odd_type = encode(webhook("type", {})).replace(b'"type":"type"', rb'"type":"\u0000\udfff"')
    for one in (body, odd_type, b"\x00\xff"):
        arrival = translate(one, datetime(2031, 4, 9, tzinfo=UTC))
        write(database, packed(one, arrival, 1_000.0))
    assert {unpack(row["body"]) for row in rows(database, messages)} == {body, odd_type, b"\x00\xff"}
    assert count(database, deliveries) == 1
