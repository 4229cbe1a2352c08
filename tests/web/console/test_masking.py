"""Masking: everything is hidden, except known safe values."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.demo.calls import CALLS
from bridge.demo.samples import CUSTOMER, all_webhooks
from bridge.directions import FREE_KEYS
from bridge.prose import HIDDEN, mask_reason, mask_words, scrub
from bridge.to_segment import translate
from bridge.web.console.view.masking import hidden_values, mask, mask_answer, shorten


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        pytest.param({"email": "a@b.c"}, {"email": HIDDEN}, id="a text"),
        pytest.param({"phone": 46401234567}, {"phone": HIDDEN}, id="a number"),
        pytest.param({"birthdate": "1815-12-10"}, {"birthdate": HIDDEN}, id="a date"),
        pytest.param({"name": None, "active": True}, {"name": None, "active": True}, id="null and booleans"),
        pytest.param({"unheard_of": "x"}, {"unheard_of": HIDDEN}, id="an unknown key"),
        pytest.param(["x", 1, {"y": "z"}], [HIDDEN, HIDDEN, {"y": HIDDEN}], id="in arrays"),
        pytest.param("raw text", HIDDEN, id="another value than an object"),
        pytest.param({"type": "redemption.succeeded"}, {"type": "redemption.succeeded"}, id="a type"),
        pytest.param({"type": "Anna Ek"}, {"type": HIDDEN}, id="an invalid type"),
        pytest.param({"type": "anna@example.com"}, {"type": HIDDEN}, id="an address where a type belongs"),
        pytest.param({"id": "cust_a1", "source_id": "cust_a1"}, {"id": "cust_a1", "source_id": HIDDEN}, id="ids"),
        pytest.param({"id": "anna-1"}, {"id": HIDDEN}, id="an id that is not Voucherify's"),
        pytest.param(
            {"created_at": "2026-11-24T06:00:00.000Z"}, {"created_at": "2026-11-24T06:00:00.000Z"}, id="a time"
        ),
        pytest.param({"created_at": "yesterday"}, {"created_at": HIDDEN}, id="an invalid time"),
        pytest.param({"amount": 5400, "age": 33}, {"amount": 5400, "age": HIDDEN}, id="amounts"),
        pytest.param({"event": "Order Completed"}, {"event": "Order Completed"}, id="the event's name"),
        pytest.param({"userId": "anna"}, {"userId": HIDDEN}, id="the user"),
        pytest.param({"code": "SPRING-10"}, {"code": HIDDEN}, id="a voucher's code"),
        pytest.param({"campaign": {"name": "Spring"}}, {"campaign": {"name": "Spring"}}, id="a campaign's name"),
        pytest.param({"customer": {"name": "Anna"}}, {"customer": {"name": HIDDEN}}, id="a customer's name"),
        pytest.param(
            {"metadata": {"type": "ill", "on": True}}, {"metadata": {"type": HIDDEN, "on": HIDDEN}}, id="metadata"
        ),
        pytest.param({"metadata_type": "ill"}, {"metadata_type": HIDDEN}, id="flattened metadata"),
        pytest.param(
            {"customer_metadata_type": "ill"}, {"customer_metadata_type": HIDDEN}, id="deeper flattened metadata"
        ),
        pytest.param({"traits": {"status": ["ill"]}}, {"traits": {"status": [HIDDEN]}}, id="traits"),
        pytest.param({"address": {"state": "Skane"}}, {"address": {"state": HIDDEN}}, id="an address's state"),
        pytest.param({"anna@example.com": True}, {HIDDEN: True}, id="a key that is a value"),
        pytest.param({"context": {"ip": "127.0.0.1"}}, {"context": {"ip": HIDDEN}}, id="the address"),
    ],
)
def test_masking(value: Any, seen: Any) -> None:
    assert mask(value) == seen


def test_properties_are_hidden_in_segments_calls() -> None:
    value = {"properties": {"status": "ill"}}
    assert mask(value) == value
    assert mask(value, FREE_KEYS) == {"properties": {"status": HIDDEN}}


PERSONAL = [
    value for value in CUSTOMER.values() if isinstance(value, str) and value not in ("customer", CUSTOMER["id"])
]


@pytest.mark.parametrize("body", all_webhooks("u").values(), ids=all_webhooks("u").keys())
def test_no_sample_shows_its_customer(body: bytes) -> None:
    [outgoing] = translate(body, datetime.now(UTC)).outgoing
    for content in (body, outgoing.payload):
        seen = json.dumps(mask(json.loads(content)))
        assert [value for value in PERSONAL if value in seen] == []
        assert '"created_at": "20' in seen or '"timestamp": "20' in seen


@pytest.mark.parametrize("kind", CALLS)
def test_no_call_shows_its_customer(kind: str) -> None:
    _, body = CALLS[kind]
    seen = json.dumps(mask(body, FREE_KEYS))
    for value in ("ada-1815", "ada@example.com", "Lovelace", "1815", "London", "gold", "CLUB"):
        assert value not in seen
    assert f'"type": "{kind}"' in seen


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


@given(JSON)
def test_masking_is_repeatable(value: Any) -> None:
    masked = mask(value)
    assert mask(masked) == masked


@given(
    st.dictionaries(st.sampled_from(["email", "name", "phone", "source_id", "description", "x"]), st.text(min_size=1))
)
def test_personal_fields_are_hidden_with_any_value(value: dict[str, str]) -> None:
    assert set(mask(value).values()) <= {HIDDEN}
    assert hidden_values(value) == {text for text in value.values() if len(text) >= 3 and text != HIDDEN}


# Responses of services


SECRETS = frozenset(("anna", "anna@example.com", "Anna Ek", "gold"))


@pytest.mark.parametrize(
    ("prose", "seen"),
    [
        ("customer anna is unknown", f"customer {HIDDEN} is unknown"),
        ("annas and susanna cannot", "annas and susanna cannot"),
        ("Anna Ek (anna@example.com)", f"{HIDDEN} ({HIDDEN})"),
        ("ben@example.com is not ours", f"{HIDDEN} is not ours"),
        ("call +46 40 123 45 67 now", f"call {HIDDEN} now"),
        ("answered 503 after 10.0 s", "answered 503 after 10.0 s"),
    ],
)
def test_prose_is_readable_without_personal_data(prose: str, seen: str) -> None:
    assert scrub(prose, SECRETS) == seen


def test_a_response_shows_the_error_without_personal_data() -> None:
    answer = {
        "code": 400,
        "key": "invalid_payload",
        "message": "Invalid payload",
        "details": "email anna@example.com of anna is blocked",
        "request_id": "v-0a1b",
        "customer": {"id": "cust_a", "source_id": "ben", "name": "Ben", "metadata": {"message": "hello"}},
        "errors": [{"error": "Anna Ek is taken"}],
    }
    assert mask_answer(answer, SECRETS) == {
        "code": 400,
        "key": "invalid_payload",
        "message": "Invalid payload",
        "details": f"email {HIDDEN} of {HIDDEN} is blocked",
        "request_id": "v-0a1b",
        "customer": {"id": "cust_a", "source_id": HIDDEN, "name": HIDDEN, "metadata": {"message": HIDDEN}},
        "errors": [{"error": f"{HIDDEN} is taken"}],
    }


@pytest.mark.parametrize(
    ("source_id", "seen"),
    [("ada-1815", "ada•••"), ("adalove", "ada•••"), ("ada-18", HIDDEN), ("7", HIDDEN), ("", ""), (None, "")],
)
def test_a_customers_id_is_shortened(source_id: str | None, seen: str) -> None:
    assert shorten(source_id) == seen


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        ("anonymous", "anonymous"),
        ("rejected 400: Duplicate resource found", "rejected 400: Duplicate resource found"),
        ("failed 503", "failed 503"),
        ("failed: ConnectionError", "failed: ConnectionError"),
        ("rejected 400: Customer Anna Ek is blocked", "rejected 400: Customer ••• ••• is blocked"),
        ("rejected 400: invalid_payload: Élise", "rejected 400: invalid_payload: •••"),
        ("rejected 400: anna@example.com is blocked", "rejected 400: ••• is blocked"),
        ("rejected 400: anna%40example.com is blocked", "rejected 400: ••• is blocked"),
        ("rejected 400: customer anna is blocked", "rejected 400: customer ••• is blocked"),
        ("rejected 400: call +46 40 123 45 67", "rejected 400: call •••"),
        ("rejected 400: see ekström.se or anna.ek", "rejected 400: see ••• or •••"),
        ("data.anna@example.com: must be an object", "••• must be an object"),
        ("data.customer: must be an object", "data.customer: must be an object"),
    ],
)
def test_a_reason_shows_only_words_that_are_known_to_be_harmless(reason: str, seen: str) -> None:
    assert mask_reason(reason, {"anna"}) == seen


@given(st.text())
def test_masked_words_hold_no_address(text: str) -> None:
    assert "@" not in mask_words(f"{text}@{text} {text}")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Customer Redemption Succeeded", "Customer Redemption Succeeded"),
        ("Viewed anna@example.com Page", "Viewed ••• Page"),
        ("Called 040-123 45 67", "Called •••"),
        ("Viewed Level 12 Screen", "Viewed Level 12 Screen"),
    ],
)
def test_names_of_events_hold_no_address(name: str, seen: str) -> None:
    assert scrub(name) == seen
