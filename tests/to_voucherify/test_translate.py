import json
from typing import Any

import pytest

from bridge.errors import Invalid
from bridge.json_text import write
from bridge.messages import Outgoing, Status
from bridge.to_voucherify import SINK, translate
from tests.to_voucherify.calls import CALLS, UNIQUE, take

TITLES = {
    "upsert_customer": "Upsert Customer",
    "add_custom_event": "Add Custom Event",
    "assign_group": "Assign Customer To Group",
}


def only(action: str, call: Any) -> Outgoing:
    (outgoing,) = take(action, call).outgoing
    return outgoing


@pytest.mark.parametrize("action", CALLS)
def test_a_call_is_accepted_with_one_delivery_in_its_customers_lane(action: str) -> None:
    arrival = take(action, CALLS[action])
    assert (arrival.status, arrival.event, arrival.reason) == (Status.ACCEPTED, TITLES[action], "")
    assert (arrival.customer, arrival.identity) == ("anna-1", None)
    (outgoing,) = arrival.outgoing
    assert (outgoing.sink, outgoing.lane) == (SINK, "anna-1")


@pytest.mark.parametrize(
    ("action", "path"),
    [("upsert_customer", "/v1/customers"), ("add_custom_event", "/v1/events"), ("assign_group", "/v1/customers")],
)
def test_a_payload_has_the_path_and_the_body(action: str, path: str) -> None:
    payload = json.loads(only(action, CALLS[action]).payload)
    assert payload.keys() == {"action", "path", "body"}
    assert (payload["action"], payload["path"]) == (action, path)


@pytest.mark.parametrize(
    ("action", "metadata", "key"),
    [
        pytest.param("add_custom_event", {"messageId": "m-1"}, "add_custom_event:m-1", id="an event's"),
        pytest.param("upsert_customer", {"messageId": "m-1"}, "upsert_customer:m-1", id="an upsert's"),
        pytest.param("add_custom_event", {"messageId": ""}, UNIQUE, id="empty"),
        pytest.param("add_custom_event", {"messageId": 7}, UNIQUE, id="no text"),
        pytest.param("add_custom_event", {"messageId": None}, UNIQUE, id="null"),
        pytest.param("add_custom_event", {"message_id": "m-1"}, UNIQUE, id="another name"),
        pytest.param("add_custom_event", {}, UNIQUE, id="none"),
        pytest.param("upsert_customer", None, UNIQUE, id="no metadata"),
        pytest.param("assign_group", {"messageId": "m-1"}, UNIQUE, id="a group has no metadata"),
    ],
)
def test_a_mapped_message_id_is_the_key_and_any_other_call_is_new(action: str, metadata: Any, key: str) -> None:
    assert only(action, {**CALLS[action], "metadata": metadata}).key == key


def test_the_message_id_stays_in_the_payload_until_the_schema_is_known() -> None:
    outgoing = only("add_custom_event", {**CALLS["add_custom_event"], "metadata": {"messageId": "m-1"}})
    assert json.loads(outgoing.payload)["body"]["metadata"] == {"messageId": "m-1"}


@pytest.mark.parametrize(
    ("action", "changes", "mergeable"),
    [
        ("upsert_customer", {}, True),
        ("assign_group", {}, True),
        ("add_custom_event", {}, False),
        ("upsert_customer", {"metadata": None}, False),
        ("upsert_customer", {"metadata": {}, "address": None, "email": None}, True),
    ],
    ids=["upsert", "group", "event", "metadata cleared", "a field cleared"],
)
def test_upserts_are_mergeable_unless_they_clear_all_metadata(
    *, action: str, changes: dict[str, Any], mergeable: bool
) -> None:
    assert only(action, {**CALLS[action], **changes}).mergeable is mergeable


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"", "the body is not JSON", id="nothing"),
        pytest.param(b"source_id=anna", "the body is not JSON", id="a form"),
        pytest.param(b'{"source_id": "\xff"}', "the body is not UTF-8", id="not UTF-8"),
        pytest.param(b"[" * 100_000, "the JSON is nested too deeply", id="too deep to read"),
        pytest.param(b"[]", "Not an object.", id="an array"),
    ],
)
@pytest.mark.parametrize("action", CALLS)
def test_a_body_that_is_not_a_call_is_invalid(action: str, body: bytes, problem: str) -> None:
    with pytest.raises(Invalid) as refused:
        translate(action, body, UNIQUE)
    assert refused.value.fields == {"": problem}


def test_deep_metadata_is_written_completely_or_rejected() -> None:
    written: set[int | str] = set()
    for depth in range(190, 210):
        deep = b'{"a":' * depth + b"1" + b"}" * depth
        call = b'{"source_id": "anna-1", "type": "identify", "metadata": ' + deep + b"}"
        try:
            (outgoing,) = translate("upsert_customer", call, UNIQUE).outgoing
        except Invalid as refused:
            written.add(refused.fields[""])
        else:
            written.add(outgoing.payload.count(b"{") - depth)
    assert written == {2, "the JSON is nested too deeply"}


BIRTHDATES = [
    *(("1990-1-5", "1990-01-05"), ("01/31/1990", "1990-01-31"), ("31.12.1990", "1990-12-31")),
    *(("Jan 31, 1990", "1990-01-31"), ("1990", None), ("631152000000", None), ("0000-00-00", None), ("-1", None)),
]


@pytest.mark.parametrize(("birthdate", "date"), BIRTHDATES)
def test_an_invalid_birthdate_does_not_reject_the_customer(birthdate: str, date: str | None) -> None:
    call = {"source_id": "d1", "type": "identify", "name": "Keep Me", "birthdate": birthdate, "address": {}}
    payload = json.loads(only("upsert_customer", call).payload)
    assert payload["body"] == {"source_id": "d1", "name": "Keep Me", **({"birthdate": date} if date else {})}
    assert payload.get("left_out", {}).keys() == (set() if date else {"birthdate"})


def test_invalid_names_every_field_and_stores_nothing() -> None:
    with pytest.raises(Invalid) as refused:
        translate("assign_group", write({"customer": {"source_id": ""}, "traits": []}), UNIQUE)
    assert refused.value.fields == {
        "customer.source_id": "Missing.",
        "group_id": "Missing.",
        "traits": "Not an object.",
        "type": "Missing.",
    }


@pytest.mark.parametrize("action", CALLS)
def test_the_same_call_makes_the_same_payload(action: str) -> None:
    shuffled = dict(reversed(CALLS[action].items()))
    assert only(action, CALLS[action]) == only(action, shuffled)


def test_characters_that_no_database_stores_are_replaced() -> None:
    arrival = translate("upsert_customer", rb'{"source_id": "a\u0000b", "type": "identify"}', UNIQUE)
    assert arrival.customer == "a\N{REPLACEMENT CHARACTER}b"
