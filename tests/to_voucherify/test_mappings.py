"""Files of mappings: valid ones compile, and every mistake is reported at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidMappings
from bridge.to_voucherify.raw_events.mappings import MOST, load
from bridge.to_voucherify.raw_events.presets import ADD_CUSTOM_EVENT, PRESETS, ROWS, UPSERT_CUSTOMER
from tests.to_voucherify.raw import row
from tests.to_voucherify.test_events import JSON


def wrong(*rows: Any) -> dict[tuple[str, str], str]:
    with pytest.raises(InvalidMappings) as raised:
        load(rows)
    return {(one.mapping, one.path): one.reason for one in raised.value.problems}


def test_the_presets_load_from_a_file() -> None:
    assert [dict(one.source) for one in load(list(ROWS))] == list(ROWS)


def test_enabled_is_true_by_default() -> None:
    assert [one.enabled for one in load([row("a"), row("b", enabled=False)])] == [True, False]


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"name": None}, "name", "a text"),
        ({"name": " "}, "name", "empty"),
        ({"enabled": "false"}, "enabled", "true or false"),
        ({"enabled": None}, "enabled", "true or false"),
        ({"subscribe": None}, "subscribe", "a text"),
        ({"subscribe": 'type = "track" or'}, "subscribe", "character 18"),
        ({"subscribe": 'anonymousId = "x"'}, "subscribe", "character 1"),
        ({"partnerAction": "sendMail"}, "partnerAction", "upsertCustomer"),
        ({"partnerAction": 5}, "partnerAction", "upsertCustomer"),
        ({"mapping": []}, "mapping", "an object"),
        ({"enable": True}, "enable", "unknown"),
        ({"mapping": {**ADD_CUSTOM_EVENT, "evnt": "x"}}, "mapping.evnt", "no such field"),
        ({"mapping": {**ADD_CUSTOM_EVENT, "event": {"@pth": "$.x"}}}, "mapping.event", ""),
        ({"mapping": {**ADD_CUSTOM_EVENT, "event": {"@path": "$.x", "else": 1}}}, "mapping.event", ""),
        ({"mapping": {**ADD_CUSTOM_EVENT, "loyalty": {"card": "x"}}}, "mapping.loyalty.card", "it has code"),
        ({"mapping": {**ADD_CUSTOM_EVENT, "customer": {"email": "x"}}}, "mapping.customer.source_id", "needs it"),
        ({"mapping": {**ADD_CUSTOM_EVENT, "customer": None}}, "mapping.customer", "needs it"),
        ({"mapping": {**ADD_CUSTOM_EVENT, "type": ""}}, "mapping.type", "needs it"),
        ({"partnerAction": "upsertCustomer", "mapping": {"type": "x"}}, "mapping.source_id", "needs it"),
    ],
)
def test_each_mistake_is_named_by_mapping_and_path(fields: dict[str, Any], path: str, says: str) -> None:
    made = {key: value for key, value in row(**fields).items() if value is not None or key == "enabled"}
    name = made.get("name")
    found = wrong(row("first"), made)
    [(mapping, at)] = [key for key in found if key[1].startswith(path)]
    assert mapping == (f'2 "{name}"' if isinstance(name, str) else "2")
    assert says in found[mapping, at]


def test_all_mistakes_of_all_mappings_are_reported_at_once() -> None:
    found = wrong(row("a", subscribe="", partnerAction="x"), 5, row("b", mapping={"event": {"@no": 1}, "x": 1}))
    assert {
        ('1 "a"', "subscribe"),
        ('1 "a"', "partnerAction"),
        ("2", ""),
        ('3 "b"', "mapping.x"),
        ('3 "b"', "mapping.customer"),
        ('3 "b"', "mapping.type"),
    } <= found.keys()
    assert any(mapping == '3 "b"' and path.startswith("mapping.event") for mapping, path in found)


def exported(one: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Build a mapping as Segment's Public API returns it."""
    ids = {"id": "eoeX", "actionId": "uD9j", "destinationId": "fP7q", "modelId": ""}
    named = {"actionSlug": one["partnerAction"], "trigger": one["subscribe"], "settings": one["mapping"]}
    return {**ids, "name": one["name"], "enabled": True, **named, **changes}


def test_an_export_of_segments_public_api_is_accepted() -> None:
    assert load([exported(one) for one in ROWS]) == PRESETS


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"trigger": "type == 5"}, "trigger"),
        ({"actionSlug": "postEvent"}, "actionSlug"),
        ({"settings": {"type": {"@pat": "$.type"}}}, "settings.type"),
        ({"settings": {}}, "settings.type"),
        ({"subscribe": 'type = "track"'}, "trigger"),
    ],
)
def test_a_mistake_in_an_export_has_the_exports_names(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidMappings) as refused:
        load([exported(ROWS[0], **change)])
    assert path in {problem.path for problem in refused.value.problems}


def test_disabled_mappings_are_checked() -> None:
    assert ('1 "a"', "partnerAction") in wrong(row("a", enabled=False, partnerAction="x"))


def test_two_mappings_of_one_name_are_refused() -> None:
    assert wrong(row("a"), row("b"), row("a")).keys() == {('1 "a"', "name"), ('3 "a"', "name")}


def test_at_most_fifty_mappings_are_accepted() -> None:
    assert len(load([row(str(number)) for number in range(MOST)])) == MOST
    assert "at most 50" in wrong(*(row(str(number)) for number in range(MOST + 1)))["", ""]


@pytest.mark.parametrize("rows", [None, {}, "x", 5, {"name": "a"}])
def test_a_value_that_is_not_a_list_is_reported(rows: Any) -> None:
    with pytest.raises(InvalidMappings, match="must be a list"):
        load(rows)


def test_a_directive_may_return_a_whole_object() -> None:
    [one] = load([row(mapping={**ADD_CUSTOM_EVENT, "customer": {"@path": "$.properties.customer"}})])
    assert one.build({"properties": {"customer": {"source_id": "a"}}})["customer"] == {"source_id": "a"}


def test_custom_objects_accept_any_key() -> None:
    mapping = {**UPSERT_CUSTOMER, "metadata": {"plan": {"@path": "$.traits.plan"}, "any.thing": 1}}
    assert load([row(partnerAction="upsertCustomer", mapping=mapping)])


@given(st.lists(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(row(), JSON)), max_size=4))
def test_any_json_is_loaded_or_refused(rows: list[Any]) -> None:
    try:
        loaded = load(rows)
    except InvalidMappings as error:
        assert error.problems  # noqa: PT017 - both outcomes are right
    else:
        assert len(loaded) == len(rows)
