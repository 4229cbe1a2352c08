"""verify → translate → store, without HTTP: what a door makes of what comes in, and of what is run through it again."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from bridge.delivery.group_commit import GroupCommit
from bridge.delivery.store import Received

from bridge import intake
from bridge.arrival import Kept, Status
from bridge.delivery.database import Database
from bridge.delivery.sink import Happened, Outcome
from bridge.delivery.tables import deliveries, events
from bridge.demo.calls import CALLS, credentials
from bridge.errors import Invalid, SignatureError, UpstreamError
from bridge.intake import DOORS, DestinationCalls, Given, TrackingCalls, VoucherifyWebhooks, run_again
from bridge.signature import sign
from bridge.to_voucherify.actions import ACTIONS
from bridge.to_voucherify.events import TYPES
from bridge.to_voucherify.mappings import ActionMapping, load
from bridge.to_voucherify.presets import ADD_CUSTOM_EVENT, PRESETS
from tests.delivery.arrivals import rows
from tests.to_voucherify.raw import row
from tests.webhooks import SECRET, encode, redemption, webhook

NOW = 1_900_000_000.0
HEADERS = credentials("app-id", "secret-key")
GIVEN = Given(HEADERS["Authorization"], HEADERS["Secret-Key"])
BODY = json.dumps(CALLS["track"][1]).encode()
PATH = "segmentio/event-processing"

Calls = Callable[..., DestinationCalls]


class Store:
    """Remembers what it was given to keep."""

    def __init__(self) -> None:
        self.received: list[Received] = []

    def keep(self, prepare: Callable[[], Received]) -> Kept:
        received = prepare()
        self.received.append(received)
        return Kept(received.message.id, Status.ACCEPTED, received.arrival.event, "")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def calls(store: Store) -> Calls:
    def make(outcome: Outcome = Outcome(Happened.DELIVERED, 200)) -> DestinationCalls:  # noqa: B008 - it is frozen
        return DestinationCalls("app-id", "secret-key", lambda: outcome, store.keep, lambda: NOW)

    return make


def test_every_action_has_its_door_and_every_door_its_direction() -> None:
    assert set(intake.CALLS.values()) == set(ACTIONS)
    assert {path: door.direction for path, door in DOORS.items()} == {
        "webhooks/voucherify": "to_segment",
        "segmentio/customer-processing": "to_voucherify",
        "segmentio/event-processing": "to_voucherify",
        "segmentio/group-processing": "to_voucherify",
        **{f"v1/{kind}": "to_voucherify" for kind in (*TYPES, "batch")},
        "webhooks/segment": "to_voucherify",
    }


def test_a_webhook_is_kept_with_its_bytes_and_its_time(store: Store) -> None:
    body = encode(webhook("redemption.succeeded", redemption()))
    kept = VoucherifyWebhooks([SECRET], store.keep, lambda: NOW).take(body, sign(body, SECRET))
    [one] = store.received
    assert (one.message.id, one.message.door, one.message.direction) == (kept.id, "webhooks/voucherify", "to_segment")
    assert (one.message.body, one.message.at) == (body, NOW)
    assert one.arrival.outgoing[0].sink == "segment"


def test_a_call_is_kept_with_its_bytes_its_time_and_a_key_of_its_own(store: Store, calls: Calls) -> None:
    kept = calls().take(PATH, BODY, GIVEN)
    [one] = store.received
    assert (one.message.id, one.message.door, one.message.direction) == (kept.id, PATH, "to_voucherify")
    assert (one.message.body, one.message.at) == (BODY, NOW)
    [outgoing] = one.arrival.outgoing
    assert (outgoing.sink, outgoing.key, outgoing.lane) == ("voucherify", kept.id, "ada-1815")


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(Given(None, None), id="none"),
        pytest.param(Given(GIVEN.authorization, None), id="half"),
        pytest.param(Given(None, GIVEN.secret_key), id="the other half"),
        pytest.param(Given("Basic é\N{SNOWMAN}", GIVEN.secret_key), id="not ASCII"),
        pytest.param(Given(f"{GIVEN.authorization}=", GIVEN.secret_key), id="one character more"),
        pytest.param(Given((GIVEN.authorization or "").lower(), GIVEN.secret_key), id="lower case"),
    ],
)
def test_wrong_keys_keep_nothing_and_ask_nobody(store: Store, given: Given) -> None:
    def asked() -> Outcome:
        pytest.fail("asked")

    one = DestinationCalls("app-id", "secret-key", asked, store.keep, lambda: NOW)
    with pytest.raises(SignatureError):
        one.take(PATH, BODY, given)
    with pytest.raises(SignatureError):
        one.test(given)
    assert store.received == []


def test_what_violates_its_schema_is_not_kept(store: Store, calls: Calls) -> None:
    with pytest.raises(Invalid) as refused:
        calls().take(PATH, b'{"type": "track", "customer": {"source_id": ""}}', GIVEN)
    assert refused.value.fields.keys() == {"customer.source_id"}
    assert store.received == []


@pytest.mark.parametrize(
    ("outcome", "error", "says"),
    [
        pytest.param(Outcome(Happened.FORBIDDEN, 401), SignatureError, "does not accept", id="refused"),
        pytest.param(Outcome(Happened.FAILED, 200, "<html>"), UpstreamError, "is not Voucherify", id="a login page"),
        pytest.param(Outcome(Happened.REJECTED, 404), UpstreamError, "is not Voucherify", id="no such path"),
        pytest.param(Outcome(Happened.THROTTLED, 429), UpstreamError, "answers 429", id="throttled"),
        pytest.param(Outcome(Happened.FAILED, 503), UpstreamError, "answers 503", id="failed"),
        pytest.param(Outcome(Happened.FAILED), UpstreamError, "answers nothing", id="not there"),
        pytest.param(Outcome(Happened.REJECTED, 404), UpstreamError, "answers 404", id="not Voucherify"),
    ],
)
def test_what_voucherify_says_of_the_keys(calls: Calls, outcome: Outcome, error: Any, says: str) -> None:
    calls().test(GIVEN)
    with pytest.raises(error, match=says):
        calls(outcome).test(GIVEN)


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_replayed_is_what_it_was(database: Database, kind: str) -> None:
    path, body = CALLS[kind]
    one = DestinationCalls(
        "app-id", "secret-key", lambda: Outcome(Happened.DELIVERED), GroupCommit(database).keep, lambda: NOW
    )
    kept = one.take(f"segmentio/{path}", json.dumps(body).encode(), GIVEN)
    before = rows(database, events), rows(database, deliveries)
    assert run_again(database, kept.id, NOW + 5, PRESETS) == "waiting"
    assert (rows(database, events), rows(database, deliveries)) == before


def test_a_call_that_todays_schema_refuses_is_quarantined_with_the_reason(database: Database, calls: Calls) -> None:
    one = DestinationCalls(
        "app-id", "secret-key", lambda: Outcome(Happened.DELIVERED), GroupCommit(database).keep, lambda: NOW
    )
    kept = one.take(PATH, BODY, GIVEN)
    with database.writing() as connection:  # as if another version had taken it at another door
        connection.execute(events.update().values(door="segmentio/group-processing"))
    assert run_again(database, kept.id, NOW + 5, PRESETS) == "quarantined"
    [event] = rows(database, events)
    assert event["status"] == "quarantined"
    assert "group_id" in event["reason"]


def test_keys_are_read_as_utf_8(store: Store) -> None:
    headers = credentials("the-åpp", "clé")
    one = DestinationCalls("the-åpp", "clé", lambda: Outcome(Happened.DELIVERED), store.keep, lambda: NOW)
    one.take(PATH, BODY, Given(headers["Authorization"], headers["Secret-Key"]))
    assert len(store.received) == 1


def tracking(database: Database, *mappings: ActionMapping) -> TrackingCalls:
    return TrackingCalls(["key"], lambda: mappings, GroupCommit(database).keep_all, lambda: NOW)


def paid(**fields: Any) -> bytes:
    return json.dumps({"userId": "anna-1", "event": "Paid", "messageId": "m-1", "writeKey": "key", **fields}).encode()


def test_a_raw_event_replayed_with_the_same_mappings_is_what_it_was(database: Database) -> None:
    [kept] = tracking(database, *PRESETS).take("v1/track", paid(), None)
    before = rows(database, events), rows(database, deliveries)
    assert run_again(database, kept.id, NOW + 5, PRESETS) == "waiting"
    assert (rows(database, events), rows(database, deliveries)) == before


def test_replayed_with_others_it_delivers_what_was_not_delivered_yet(database: Database) -> None:
    [first, second] = load([row("first"), row("second")])
    [kept] = tracking(database, first).take("v1/track", paid(), None)
    assert run_again(database, kept.id, NOW + 5, [first, second]) == "to be sent"
    assert run_again(database, kept.id, NOW + 6, [first, second]) in ("queued and waiting", "waiting and queued")
    assert [one["key"] for one in rows(database, deliveries)] == ['["first", "m-1"]', '["second", "m-1"]']


def test_what_was_ignored_is_delivered_once_a_mapping_takes_it(database: Database) -> None:
    [kept] = tracking(database).take("v1/track", paid(), None)
    assert kept.status is Status.IGNORED
    assert run_again(database, kept.id, NOW + 5, ()) == "ignored"
    assert run_again(database, kept.id, NOW + 6, PRESETS) == "to be sent"
    assert [event["status"] for event in rows(database, events)] == ["accepted"]
    [again] = tracking(database, *PRESETS).take("v1/track", paid(), None)
    assert (again.status, again.id) == (Status.DUPLICATE, kept.id)


def test_an_event_that_comes_again_after_a_mapping_was_added_is_new_to_that_one_only(database: Database) -> None:
    [first, second] = load([row("first"), row("second")])
    tracking(database, first).take("v1/track", paid(), None)
    [again] = tracking(database, first, second).take("v1/track", paid(), None)
    assert again.status is Status.ACCEPTED
    assert [one["key"] for one in rows(database, deliveries)] == ['["first", "m-1"]', '["second", "m-1"]']


def test_a_quarantined_one_is_delivered_once_its_mapping_is_mended(database: Database) -> None:
    [broken] = load([row("a", mapping={**ADD_CUSTOM_EVENT, "metadata": {"@path": "$.event"}})])
    [kept] = tracking(database, broken).take("v1/track", paid(), None)
    assert (kept.status, kept.reason) == (Status.QUARANTINED, "a: metadata: Not an object.")
    assert run_again(database, kept.id, NOW + 5, load([row("a")])) == "to be sent"
