from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema

from bridge.errors import Unusable
from bridge.to_segment.catalogue import EVENTS, EVERY_EVENT, Event
from bridge.to_segment.schemas import DATA as SCHEMAS
from bridge.to_segment.schemas import ENVELOPE, check
from tests.webhooks import ANNA, DATA, webhook

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none(), max_size=1)
NAMES = st.sampled_from(
    ["id", "type", "source_id", "email", "customer", "redemption", "data", "event", "source", "new"]
)
ANY = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=5), max_leaves=12)

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)


@each_event
def test_every_sample_passes(event: Event) -> None:
    check(ENVELOPE, webhook(event.type, DATA[event.type]))
    check(SCHEMAS[event.type], DATA[event.type])


@each_event
def test_every_object_may_be_null_or_missing(event: Event) -> None:
    check(SCHEMAS[event.type], {})
    check(SCHEMAS[event.type], dict.fromkeys((*EVERY_EVENT, *event.fields)))


@each_event
def test_unknown_keys_pass_at_every_level(event: Event) -> None:
    data = DATA[event.type]
    widened = {
        name: {**value, "new": {"deep": [1]}} if isinstance(value, dict) else value for name, value in data.items()
    }
    check(SCHEMAS[event.type], {**widened, "new": "anything"})
    check(ENVELOPE, webhook(event.type, data, new=[None]))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        pytest.param(event, field, id=f"{event.type}-{field}")
        for event in EVENTS
        for field in (*EVERY_EVENT, *event.fields)
    ],
)
def test_a_text_in_an_objects_place_is_unusable(event: Event, field: str) -> None:
    with pytest.raises(Unusable, match=rf"data\.{field}: "):
        check(SCHEMAS[event.type], {**DATA[event.type], field: "text"}, "data.")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"customer": {**ANNA, "source_id": True}}, ["data.customer.source_id"], id="source_id true"),
        pytest.param({"customer": {**ANNA, "source_id": ["a"]}}, ["data.customer.source_id"], id="source_id a list"),
        pytest.param({"customer": {**ANNA, "email": 7}}, ["data.customer.email"], id="email a number"),
        pytest.param({"customer": []}, ["data.customer"], id="customer a list"),
        pytest.param({"redemption": {"id": 7}}, ["data.redemption.id"], id="redemption.id a number"),
        pytest.param(
            {"redemption": {"customer": "anna"}}, ["data.redemption.customer"], id="redemption.customer a text"
        ),
        pytest.param({"order": 1, "voucher": []}, ["data.order", "data.voucher"], id="two at once"),
    ],
)
def test_the_reason_names_every_field_and_repeats_no_value(changes: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(Unusable) as refused:
        check(SCHEMAS["redemption.succeeded"], {**DATA["redemption.succeeded"], **changes}, "data.")
    reason = str(refused.value)
    assert all(f"{name}: " in reason for name in names)
    assert len(reason.split("; ")) == len(names)
    assert "anna" not in reason


@pytest.mark.parametrize("source_id", ["anna-1", "", 7, 7.5, None], ids=repr)
def test_a_source_id_is_a_text_a_number_or_null(source_id: Any) -> None:
    check(SCHEMAS["redemption.succeeded"], {"customer": {"source_id": source_id}})


@pytest.mark.parametrize(
    ("balance", "passes"),
    [({"points": 1}, True), (7, True), (0, True), (1.5, True), (None, True), ("7", False), (True, False), ([], False)],
    ids=repr,
)
def test_a_balance_is_an_object_or_a_number(*, balance: Any, passes: bool) -> None:
    if passes:
        check(SCHEMAS["rewarded"], {"balance": balance})
    else:
        with pytest.raises(Unusable, match="balance: Not an object or a number"):
            check(SCHEMAS["rewarded"], {"balance": balance})


@pytest.mark.parametrize(
    ("envelope", "name"),
    [
        pytest.param({}, "data", id="no data"),
        pytest.param({"data": None}, "data", id="data null"),
        pytest.param({"data": "text"}, "data", id="data a text"),
        pytest.param({"data": {}, "type": 7}, "type", id="type a number"),
        pytest.param({"data": {}, "project_id": {}}, "project_id", id="project_id an object"),
        pytest.param({"data": {}, "event": "ev_1"}, "event", id="event a text"),
        pytest.param({"data": {}, "event": {"id": 1}}, r"event\.id", id="event.id a number"),
        pytest.param({"data": {}, "event": {"event_source": "API"}}, r"event\.event_source", id="event_source a text"),
        pytest.param({"data": {}, "source": []}, "source", id="source a list"),
        pytest.param({"data": {}, "source": {"id": 1}}, r"source\.id", id="source.id a number"),
    ],
)
def test_an_envelope_of_wrong_types_is_unusable(envelope: dict[str, Any], name: str) -> None:
    with pytest.raises(Unusable, match=rf"^{name}: "):
        check(ENVELOPE, envelope)


@given(ANY, st.sampled_from([ENVELOPE, SCHEMAS["redemption.succeeded"]]))
def test_the_check_rejects_what_marshmallow_rejects(value: Any, schema: Schema) -> None:
    if schema.validate(value):
        with pytest.raises(Unusable):
            check(schema, value)
    else:
        check(schema, value)
