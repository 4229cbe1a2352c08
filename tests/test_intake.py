"""Intakes without HTTP, and translations of stored messages."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.credentials import sign as sign_of
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, events, messages
from bridge.delivery.inbox import Inbox, packed, unpacked
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.demo.calls import CALLS, credentials
from bridge.doors import ACTIONS as ACTION_DOORS
from bridge.doors import DOORS
from bridge.errors import Invalid, SignatureError, UpstreamError
from bridge.host import Rates
from bridge.intake import (
    DestinationCalls,
    EventWebhooks,
    Given,
    Presented,
    Received,
    Receiver,
    Sender,
    TrackingCalls,
    VoucherifyWebhooks,
)
from bridge.messages import EVENT_TYPES as TYPES
from bridge.messages import QUEUES, EventOutcome, Message, Status
from bridge.signature import sign
from bridge.to_voucherify.actions import ACTIONS
from bridge.to_voucherify.raw_events.mappings import ActionMapping, Mappings, load
from bridge.to_voucherify.raw_events.presets import ADD_CUSTOM_EVENT, PRESETS
from bridge.translation import Rules, meaning
from bridge.write_keys import WriteKey
from tests.delivery.arrivals import rows, run_again
from tests.delivery.pending import Silent, became, translator
from tests.to_voucherify.raw import row
from tests.webhooks import SECRET, encode, redemption, webhook

NOW = 1_900_000_000.0
HEADERS = credentials("app-id", "secret-key")
GIVEN = Given(HEADERS["Authorization"], HEADERS["Secret-Key"])
BODY = json.dumps(CALLS["track"][1]).encode()
PATH = "segmentio/event-processing"

Calls = Callable[..., DestinationCalls]


class Store:
    """Records appended messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def receiver(self) -> Receiver:
        return Receiver(self, lambda: NOW)  # type: ignore[arg-type] # all that a receiver needs of an inbox


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def calls(store: Store) -> Calls:
    def make(outcome: Outcome = Outcome(Happened.DELIVERED, 200)) -> DestinationCalls:  # noqa: B008 - it is frozen
        return DestinationCalls("app-id", "secret-key", lambda: outcome, store.receiver)

    return make


def test_every_action_has_its_door_and_every_door_its_direction() -> None:
    assert set(ACTION_DOORS.values()) == set(ACTIONS)
    assert {door.queue for door in DOORS.values()} == set(QUEUES)
    assert {path: door.direction for path, door in DOORS.items()} == {
        "webhooks/voucherify": "to_segment",
        "segmentio/customer-processing": "to_voucherify",
        "segmentio/event-processing": "to_voucherify",
        "segmentio/group-processing": "to_voucherify",
        **{f"v1/{kind}": "to_voucherify" for kind in (*TYPES, "batch")},
        "webhooks/segment": "to_voucherify",
    }


def test_a_webhook_is_stored_with_its_bytes_its_time_and_its_request(store: Store) -> None:
    body = encode(webhook("redemption.succeeded", redemption()))
    received = VoucherifyWebhooks([SECRET], store.receiver).take(body, sign(body, SECRET), "request-1")
    [one] = store.messages
    assert (one.id, one.door, one.direction, one.queue) == (
        received.id,
        "webhooks/voucherify",
        "to_segment",
        "webhooks",
    )
    assert (one.body, one.at, one.request_id) == (body, NOW, "request-1")


def test_of_what_proved_the_sender_a_digest_is_stored_that_tells_credentials_apart(store: Store) -> None:
    webhooks = VoucherifyWebhooks([SECRET, "another"], store.receiver)
    for body, secret in ((b"a", SECRET), (b"b", SECRET), (b"a", "another")):
        webhooks.take(body, sign(body, secret), "")
    first, second, third = (one.credential for one in store.messages)
    assert first == second != third
    assert not any(secret.encode() in repr(store.messages).encode() for secret in (SECRET, "another"))
    assert len(first) == 16


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 100_000, b"null"])
def test_any_authentic_webhook_is_stored(store: Store, body: bytes) -> None:
    VoucherifyWebhooks([SECRET], store.receiver).take(body, sign(body, SECRET), "")
    assert [one.body for one in store.messages] == [body]


def test_a_call_is_stored_with_its_bytes_and_its_time(store: Store, calls: Calls) -> None:
    received = calls().take(PATH, BODY, GIVEN, "request-1")
    [one] = store.messages
    assert (one.id, one.door, one.direction, one.queue) == (received.id, PATH, "to_voucherify", "calls")
    assert (one.body, one.at, one.request_id) == (BODY, NOW, "request-1")


def test_how_many_events_a_message_holds_is_known_when_it_is_stored(store: Store) -> None:
    tracking = tracking_calls(store.receiver)
    webhooks = EventWebhooks(["secret"], store.receiver)
    batch = {"batch": [{}, 5, None], "writeKey": "key"}

    def posted(value: Any) -> Received:
        signed = value[0] if isinstance(value, list) and value else value
        return webhooks.take(encode(value), Presented(sign_of(encode(signed), "secret"), None, "secret"), "")

    more: list[Any] = [[{}, 5], [], {**PAID, "type": "track"}]
    found = [
        tracking.take("v1/batch", encode(batch), None, NO_KEYS, ""),
        tracking.take("v1/track", paid(), None, NO_KEYS, ""),
        *map(posted, more),
    ]
    assert [(one.count, one.is_several) for one in found] == [(3, True), (1, False), (2, True), (0, True), (1, False)]


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
def test_wrong_keys_store_nothing_and_make_no_call(store: Store, given: Given) -> None:
    def asked() -> Outcome:
        pytest.fail("asked")

    one = DestinationCalls("app-id", "secret-key", asked, store.receiver)
    with pytest.raises(SignatureError):
        one.take(PATH, BODY, given, "")
    with pytest.raises(SignatureError):
        one.test(given)
    assert store.messages == []


def test_what_violates_its_schema_is_not_stored(store: Store, calls: Calls) -> None:
    with pytest.raises(Invalid) as refused:
        calls().take(PATH, b'{"type": "track", "customer": {"source_id": ""}}', GIVEN, "")
    assert refused.value.fields.keys() == {"customer.source_id"}
    assert store.messages == []


@pytest.mark.parametrize(
    ("outcome", "error", "says"),
    [
        pytest.param(Outcome(Happened.FORBIDDEN, 401), SignatureError, "does not accept", id="refused"),
        pytest.param(Outcome(Happened.FAILED, 200, "<html>"), UpstreamError, "is not Voucherify", id="a login page"),
        pytest.param(Outcome(Happened.REJECTED, 404), UpstreamError, "is not Voucherify", id="no such path"),
        pytest.param(Outcome(Happened.THROTTLED, 429), UpstreamError, "answers 429", id="throttled"),
        pytest.param(Outcome(Happened.FAILED, 503), UpstreamError, "answers 503", id="failed"),
        pytest.param(Outcome(Happened.FAILED), UpstreamError, "answers nothing", id="not there"),
    ],
)
def test_what_voucherify_says_of_the_keys(calls: Calls, outcome: Outcome, error: Any, says: str) -> None:
    calls().test(GIVEN)
    with pytest.raises(error, match=says):
        calls(outcome).test(GIVEN)


def test_keys_are_read_as_utf_8(store: Store) -> None:
    headers = credentials("the-åpp", "clé")
    one = DestinationCalls("the-åpp", "clé", lambda: Outcome(Happened.DELIVERED), store.receiver)
    one.take(PATH, BODY, Given(headers["Authorization"], headers["Secret-Key"]), "")
    assert len(store.messages) == 1


# Translated, and translated again


@pytest.fixture
def receiver(database: Database) -> Receiver:
    return Receiver(Inbox(database, Silent()), lambda: NOW)


def translated(database: Database, message_id: str, mappings: Mappings = PRESETS) -> Sequence[EventOutcome]:
    """Translate all pending messages, and return the outcome of one."""
    for queue in QUEUES:
        while translator(database, queue, rules=Rules(lambda: mappings, {})).step():
            pass
    [outcomes] = became(database, message_id)
    return outcomes


def again(database: Database, event_id: str, mappings: Mappings = PRESETS) -> str:
    """Translate a stored event again, and return the outcome."""
    with database.reading() as connection:
        message = unpacked(packed(connection, [event_id[:26]])[event_id[:26]])
    return run_again(database, event_id, meaning.again(message, event_id, mappings).arrival, NOW + 5)


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_replayed_is_what_it_was(database: Database, receiver: Receiver, kind: str) -> None:
    path, body = CALLS[kind]
    one = DestinationCalls("app-id", "secret-key", lambda: Outcome(Happened.DELIVERED), receiver)
    received = one.take(f"segmentio/{path}", json.dumps(body).encode(), GIVEN, "")
    [kept] = translated(database, received.id)
    before = rows(database, events), rows(database, deliveries)
    assert [row["key"] for row in before[1]] == [kept.id]
    assert again(database, kept.id) == "waiting"
    assert (rows(database, events), rows(database, deliveries)) == before


def test_a_call_that_todays_schema_refuses_is_quarantined_with_the_reason(
    database: Database, receiver: Receiver
) -> None:
    one = DestinationCalls("app-id", "secret-key", lambda: Outcome(Happened.DELIVERED), receiver)
    received = one.take(PATH, BODY, GIVEN, "")
    translated(database, received.id)
    with database.writing() as connection:  # as if another version had accepted it at another door
        connection.execute(messages.update().values(door="segmentio/group-processing"))
    assert again(database, received.id) == "quarantined"
    [event] = rows(database, events)
    assert event["status"] == "quarantined"
    assert "group_id" in event["reason"]


PAID = {"userId": "anna-1", "event": "Paid", "messageId": "m-1"}


def paid(**fields: Any) -> bytes:
    return json.dumps({**PAID, "writeKey": "key", **fields}).encode()


NO_KEYS = Sender(None, None, "192.0.2.1")


def tracking_calls(receiver: Receiver) -> TrackingCalls:
    return TrackingCalls([WriteKey("key")], Rates(Path("not used")), receiver)


def track(database: Database, receiver: Receiver, mappings: Iterable[ActionMapping]) -> EventOutcome:
    """Accept a raw event, translate it with these mappings, return the outcome."""
    received = tracking_calls(receiver).take("v1/track", paid(), None, NO_KEYS, "")
    [kept] = translated(database, received.id, tuple(mappings))
    return kept


def test_a_raw_event_replayed_with_the_same_mappings_is_what_it_was(database: Database, receiver: Receiver) -> None:
    kept = track(database, receiver, PRESETS)
    before = rows(database, events), rows(database, deliveries)
    assert again(database, kept.id) == "waiting"
    assert (rows(database, events), rows(database, deliveries)) == before


def test_replayed_with_others_it_delivers_what_was_not_delivered_yet(database: Database, receiver: Receiver) -> None:
    [first, second] = load([row("first"), row("second")])
    kept = track(database, receiver, [first])
    assert again(database, kept.id, [first, second]) == "to be sent"
    assert again(database, kept.id, [first, second]) in ("queued and waiting", "waiting and queued")
    assert [one["key"] for one in rows(database, deliveries)] == ['["first", "m-1"]', '["second", "m-1"]']


def test_what_was_ignored_is_delivered_once_a_mapping_takes_it(database: Database, receiver: Receiver) -> None:
    kept = track(database, receiver, ())
    assert kept.status is Status.IGNORED
    assert again(database, kept.id, ()) == "ignored"
    assert again(database, kept.id, PRESETS) == "to be sent"
    assert [event["status"] for event in rows(database, events)] == ["accepted"]
    once_more = track(database, receiver, PRESETS)
    assert (once_more.status, once_more.id) == (Status.DUPLICATE, kept.id)


def test_an_event_that_comes_again_after_a_mapping_was_added_is_new_to_that_one_only(
    database: Database, receiver: Receiver
) -> None:
    [first, second] = load([row("first"), row("second")])
    track(database, receiver, [first])
    assert track(database, receiver, [first, second]).status is Status.ACCEPTED
    assert [one["key"] for one in rows(database, deliveries)] == ['["first", "m-1"]', '["second", "m-1"]']


def test_a_quarantined_event_is_delivered_after_its_mapping_is_corrected(
    database: Database, receiver: Receiver
) -> None:
    [broken] = load([row("a", mapping={**ADD_CUSTOM_EVENT, "metadata": {"@path": "$.event"}})])
    kept = track(database, receiver, [broken])
    assert (kept.status, kept.reason) == (Status.QUARANTINED, "a: metadata: Not an object.")
    assert again(database, kept.id, load([row("a")])) == "to be sent"
