from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.to_voucherify.actions import ACTIONS, Field, Type
from bridge.to_voucherify.request import ABSENT, at
from tests.to_voucherify.calls import CALLS, payload, request

Conforms = Callable[[str, dict[str, Any]], None]

WHOLE = {
    "upsert_customer": {
        "source_id": "anna-1",
        "name": "Anna Ek",
        "description": "came by train",
        "email": "anna@example.com",
        "phone": "+46 40 123456",
        "birthdate": "1990-05-01",
        "address": {
            "city": "Malmö",
            "state": "Skåne",
            "postal_code": "211 20",
            "line_1": "Storgatan 1",
            "country": "Sweden",
        },
        "metadata": {"tier": "gold", "visits": "7"},
    },
    "add_custom_event": {
        "event": "Order Completed",
        "customer": {"source_id": "anna-1", "email": "anna@example.com"},
        "referral": {"code": "REF-1", "referrer_id": "ben-2"},
        "loyalty": {"code": "CARD-7"},
        "metadata": {"total": "49.5"},
    },
    "assign_group": {
        "source_id": "anna-1",
        "email": "anna@example.com",
        "metadata": {"group_id": "g-9", "group_plan": "pro", "group_seats": 12},
    },
}


@pytest.mark.parametrize("action", CALLS)
def test_every_field_is_at_its_target(action: str, conforms: Conforms) -> None:
    made = payload(action, CALLS[action])
    assert made["body"] == WHOLE[action]
    conforms(made["path"], made["body"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/customers", {"birthdate": "soon"}),
        ("/v1/customers", {"address": {"city": 7}}),
        ("/v1/events", {"event": "", "customer": {}}),
        ("/v1/events", {"event": "a", "customer": {}, "loyalty": {}}),
    ],
    ids=["date", "type", "length", "required"],
)
def test_the_published_description_detects_wrong_requests(
    path: str, body: dict[str, Any], shared: Path | None, conforms: Conforms
) -> None:
    with pytest.raises(AssertionError) if shared else nullcontext():
        conforms(path, body)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("upsert_customer", {"source_id": "anna-1"}),
        ("add_custom_event", {"event": "identify", "customer": {"source_id": "anna-1"}}),
        ("assign_group", {"source_id": "anna-1", "metadata": {"group_id": "g-9"}}),
    ],
)
def test_absent_fields_are_never_sent(action: str, body: dict[str, Any]) -> None:
    assert request(action) == body
    assert request(action, address={}, referral={}, loyalty={}, metadata={}, traits={}) == body


@pytest.mark.parametrize(
    ("names", "name"),
    [
        pytest.param({"name": "Anna Ek", "first_name": "A", "last_name": "E"}, "Anna Ek", id="the name itself wins"),
        pytest.param({"first_name": "Anna", "last_name": "Ek"}, "Anna Ek", id="first and last"),
        pytest.param({"last_name": "Ek", "first_name": "Anna"}, "Anna Ek", id="in either order"),
        pytest.param({"first_name": "Anna "}, "Anna", id="first only"),
        pytest.param({"last_name": "Ek"}, "Ek", id="last only"),
        pytest.param({"name": "", "first_name": "Anna"}, "Anna", id="an empty name is none"),
        pytest.param({"name": None, "first_name": "Anna"}, "Anna", id="a null name is none"),
        pytest.param({"name": "Anna Ek", "first_name": None, "last_name": None}, "Anna Ek", id="nulls beside a name"),
        pytest.param({"first_name": None, "last_name": "Ek"}, "Ek", id="one null"),
        pytest.param({"name": None}, None, id="null clears"),
        pytest.param({"first_name": None, "last_name": None}, None, id="two nulls clear"),
        pytest.param({"first_name": "", "last_name": " "}, ABSENT, id="empty texts say nothing"),
        pytest.param({}, ABSENT, id="nothing"),
    ],
)
def test_first_and_last_name_replace_a_missing_name(names: dict[str, Any], name: Any) -> None:
    assert at(request("upsert_customer", **names), "name") == name


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"email": None, "phone": None}, {"email": None, "phone": None}),
        ({"birthdate": None, "description": None}, {"birthdate": None, "description": None}),
        ({"address": {"street": None, "city": "Malmö"}}, {"address": {"line_1": None, "city": "Malmö"}}),
        ({"metadata": {"tier": None}}, {"metadata": {"tier": None}}),
        ({"metadata": None}, {"metadata": None}),
        ({"address": None}, {}),
        ({"email": "", "address": {"city": ""}}, {}),
    ],
    ids=["texts", "date", "in the address", "in the metadata", "all metadata", "no address", "empty"],
)
def test_null_is_sent_and_an_empty_text_is_not(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert request("upsert_customer", **given) == {"source_id": "anna-1", **sent}


@pytest.mark.parametrize(
    ("given", "event"),
    [
        pytest.param({"event": "Signed Up", "type": "track"}, "Signed Up", id="the event"),
        pytest.param({"type": "page"}, "page", id="missing"),
        pytest.param({"event": None, "type": "page"}, "page", id="null"),
        pytest.param({"event": "", "type": "screen"}, "screen", id="empty"),
        pytest.param({"event": "Viewed  Page", "type": "page"}, "Viewed  Page", id="two spaces, as Segment sends it"),
        pytest.param({"event": "x" * 300}, "x" * 300, id="300 characters"),
        pytest.param({"event": "x" * 301}, "x" * 300, id="301 characters"),
        pytest.param({"event": "ö" * 301}, "ö" * 300, id="301 umlauts"),
        pytest.param({"event": "x" * 299 + "\N{GRINNING FACE}"}, "x" * 299, id="no half of a pair"),
        pytest.param({"type": "x" * 400}, "x" * 300, id="a type that stands in"),
    ],
)
def test_an_event_has_a_name_of_1_to_300_characters(given: dict[str, Any], event: str, conforms: Conforms) -> None:
    body = request("add_custom_event", **given)
    assert body["event"] == event
    conforms("/v1/events", body)


@pytest.mark.parametrize("name", ["referral", "loyalty"])
@pytest.mark.parametrize("value", [{}, {"code": ""}, {"code": None, "referrer_id": "ben-2"}, None], ids=repr)
def test_a_referral_or_loyalty_without_a_code_is_left_out(name: str, value: Any) -> None:
    assert name not in request("add_custom_event", **{name: value})


@pytest.mark.parametrize(
    ("traits", "metadata"),
    [
        ({"plan": "pro"}, {"group_plan": "pro"}),
        ({"seats": 12, "trial": False, "until": None}, {"group_seats": 12, "group_trial": False, "group_until": None}),
        ({"a.b": 1, "": 2}, {"group_a.b": 1, "group_": 2}),
        ({"address": {"city": "Malmö"}}, {"group_address": {"city": "Malmö"}}),
        ({"id": "another"}, {}),
    ],
    ids=["text", "other values", "odd names", "objects stay whole", "a trait is never the group's id"],
)
def test_each_trait_of_a_group_is_metadata(traits: dict[str, Any], metadata: dict[str, Any]) -> None:
    assert request("assign_group", traits=traits)["metadata"] == {"group_id": "g-9", **metadata}


VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
OF_TYPE: dict[Type, st.SearchStrategy[Any]] = {
    Type.TEXT: st.text(max_size=4) | st.sampled_from(["x" * 310, "\N{GRINNING FACE}" * 160]),
    Type.DATE: st.dates().map(str) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    Type.OBJECT: st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
}


def calls(action: str, parent: str = "") -> st.SearchStrategy[dict[str, Any]]:
    """Draw a call that the action's schema accepts."""
    required: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for field in ACTIONS[action].fields:
        where, _, name = field.name.rpartition(".")
        if where == parent:
            (required if field.required else optional)[name] = _values(action, field)
    return st.fixed_dictionaries(required, optional=optional)


def _values(action: str, field: Field) -> st.SearchStrategy[Any]:
    has_fields = any(other.name.startswith(f"{field.name}.") for other in ACTIONS[action].fields)
    values = calls(action, field.name) if has_fields else OF_TYPE[field.type]
    if field.required:
        return values.filter(lambda value: not isinstance(value, str) or bool(value.strip()))
    return values | st.none()


@pytest.mark.parametrize("action", CALLS)
@given(data=st.data())
@settings(max_examples=60)
def test_every_request_matches_voucherifys_description(action: str, data: st.DataObject, conforms: Conforms) -> None:
    made = payload(action, data.draw(calls(action)))
    conforms(made["path"], made["body"])
    assert ABSENT not in made["body"].values()
    assert {} not in made["body"].values()
