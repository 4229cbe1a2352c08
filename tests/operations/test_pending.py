"""Pending messages: how they are shown, discarded and restored; and repeats."""

import json

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import events, pending
from bridge.delivery.inbox import Taker
from bridge.errors import InHand, NoSuchEvent
from bridge.messages import RAW_EVENTS, WEBHOOKS, Status
from bridge.operations.bulk_replay import BulkReplayer
from bridge.operations.desk import Desk
from bridge.operations.discard import UNTRANSLATED
from bridge.operations.history import EMPTY, PENDING, Filter, Story, story
from bridge.operations.replay import TO_BE_TRANSLATED
from tests.delivery.arrivals import count, rows
from tests.delivery.pending import Silent, append, arrive, batch, became, drain, redeemed, tracked

NOW = 2_000_000_000.0


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, Silent(), lambda: NOW)


def told(database: Database, event_id: str) -> Story:
    with database.reading() as connection:
        return story(connection, event_id)


@pytest.mark.parametrize("is_in_round", [False, True])
def test_a_message_that_waits_is_pending_with_its_bytes(database: Database, is_in_round: bool) -> None:  # noqa: FBT001 - a row
    [event_id] = append(database, one := redeemed())
    if is_in_round:
        assert Taker(database, WEBHOOKS).take("another process")
    found = told(database, event_id)
    assert (found.entry.id, found.entry.status, found.entry.direction) == (event_id, PENDING, "to_segment")
    assert (found.entry.received_at, found.body, found.deliveries) == (one.at, one.body, ())


@pytest.mark.parametrize("suffix", ["", "0001"])
def test_so_is_each_event_of_a_batch_without_its_write_keys(database: Database, suffix: str) -> None:
    [message_id] = append(database, batch([tracked("anna", 1, writeKey="key"), tracked("ben", 2)]))
    found = told(database, message_id + suffix)
    assert (found.entry.id, found.entry.status) == (message_id, PENDING)
    assert json.loads(found.body) == {"batch": [tracked("anna", 1), tracked("ben", 2)]}


def test_a_list_without_events_is_found_too(database: Database) -> None:
    [message_id] = append(database, batch([]))
    drain(database, RAW_EVENTS)
    entry = told(database, message_id).entry
    assert (entry.status, entry.reason) == (Status.IGNORED, EMPTY)


def test_an_id_behind_the_last_event_of_a_batch_is_none(database: Database) -> None:
    [[first]] = arrive(database, batch([tracked("anna")]))
    assert told(database, first.id).entry.status == "waiting"
    with pytest.raises(NoSuchEvent):
        told(database, f"{first.id[:26]}0001")


def test_a_repeat_shows_the_first_and_says_so(database: Database) -> None:
    [[first]], [second] = arrive(database, redeemed()), append(database, redeemed())
    drain(database, WEBHOOKS)
    found = told(database, second)
    assert (found.entry.id, found.repeat_id, len(found.deliveries)) == (first.id, second, 1)
    assert told(database, first.id).repeat_id == ""


def test_a_pending_message_is_discarded_and_restored(database: Database, desk: Desk) -> None:
    [event_id] = append(database, redeemed())
    assert desk.discard(event_id, "me") == 1
    assert desk.discard(event_id, "me") == 0
    assert count(database, pending) == 0
    drain(database, WEBHOOKS)
    [event] = rows(database, events)
    assert (event["id"], event["status"], event["reason"]) == (event_id, "discarded", UNTRANSLATED)
    assert desk.replay(event_id, "me") == TO_BE_TRANSLATED
    assert told(database, event_id).entry.status == PENDING
    drain(database, WEBHOOKS)
    assert [one.status for one in became(database, event_id)[0]] == [Status.ACCEPTED]


def test_so_are_batches_by_the_many(database: Database, desk: Desk) -> None:
    ids = append(database, batch([tracked("anna"), tracked("ben")]), batch([tracked("cleo")]))
    for one in ids:
        desk.discard(one, "me")
    desk.begin_bulk_replay(Filter(status="discarded"), "me")
    replayer = BulkReplayer(database, lambda: NOW)
    assert replayer.step()
    assert not replayer.step()
    drain(database, RAW_EVENTS)
    assert [[one.status for one in each] for each in became(database, *ids)] == [
        [Status.ACCEPTED] * 2,
        [Status.ACCEPTED],
    ]


def test_a_message_in_a_round_cannot_be_discarded(database: Database, desk: Desk) -> None:
    [event_id] = append(database, redeemed())
    Taker(database, WEBHOOKS).take("another process")
    with pytest.raises(InHand, match="a worker is translating it"):
        desk.discard(event_id, "me")
    assert count(database, events) == 0


def test_an_unknown_id_cannot_be_discarded(database: Database, desk: Desk) -> None:
    [first] = append(database, redeemed())
    drain(database, WEBHOOKS)
    for unknown in ("01NOTHING", f"{first}0001"):
        with pytest.raises(NoSuchEvent):
            desk.discard(unknown, "me")
