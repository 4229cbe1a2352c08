from typing import Any

import pytest

from bridge.errors import Invalid
from bridge.to_voucherify.actions import ACTIONS, Field, Type
from bridge.to_voucherify.schemas import load
from tests.to_voucherify.calls import CALLS

FIELDS = [
    pytest.param(name, field, id=f"{name}-{field.name}") for name, action in ACTIONS.items() for field in action.fields
]
WRONG: dict[Type, list[Any]] = {
    Type.TEXT: [[], ["a", "b"], [["a"]], {"a": "b"}],
    Type.DATE: [7, True, [], "yesterday", "1990-13-01", "01/05/1990", "1990-05-01junk", "1990", "1990-02-30"],
    Type.OBJECT: ["a", 7, True, [], [{}, {}], [["a"]]],
}
TEXTS = {Type.TEXT: "Not a text.", Type.DATE: "Not a ", Type.OBJECT: "Not an object."}


def changed(call: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    return {**call, name: changed(call.get(name, {}), rest, value) if rest else value}


def without(call: dict[str, Any], path: str) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    others = {key: value for key, value in call.items() if key != name}
    return {**others, name: without(call[name], rest)} if rest else others


def refusal(action: str, call: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        load(ACTIONS[action], call)
    return refused.value.fields


def is_dispensable(action: str, field: Field) -> bool:
    return not field.required and (action != "add_custom_event" or field.name == "customer.email")


@pytest.mark.parametrize("action", CALLS)
def test_every_sample_loads_unchanged(action: str) -> None:
    assert load(ACTIONS[action], CALLS[action]) == (CALLS[action], {})


@pytest.mark.parametrize(("action", "field"), FIELDS)
def test_a_wrong_value_removes_a_customers_field_and_rejects_other_calls(action: str, field: Field) -> None:
    for value in WRONG[field.type]:
        call = changed(CALLS[action], field.name, value)
        if is_dispensable(action, field):
            loaded, problems = load(ACTIONS[action], call)
            assert loaded == without(CALLS[action], field.name)
        else:
            problems = refusal(action, call)
        assert problems.keys() == {field.name}
        assert problems[field.name].startswith(TEXTS[field.type])


AS_TEXT = [(7, "7"), (1e-7, "1e-7"), (1e16, "10000000000000000"), (12345678901234567890, "12345678901234567000")]


@pytest.mark.parametrize(("action", "field"), FIELDS)
def test_numbers_booleans_and_lists_of_one_become_texts_as_at_segment(action: str, field: Field) -> None:
    if field.type is not Type.TEXT:
        return
    for value, text in [*AS_TEXT, (True, "true"), (False, "false"), (["a"], "a"), ([7], "7"), ([False], "false")]:
        expected = changed(CALLS[action], field.name, text)
        call = changed(CALLS[action], field.name, value)
        assert load(ACTIONS[action], call) == (expected, {})


@pytest.mark.parametrize("value", [False, 0, 0.0, [False], [0], [""], [None], None], ids=repr)
def test_metadata_that_is_false_clears_all_of_it_as_at_segment(value: Any) -> None:
    loaded, left_out = load(ACTIONS["upsert_customer"], changed(CALLS["upsert_customer"], "metadata", value))
    assert (loaded["metadata"], left_out) == (None, {})


@pytest.mark.parametrize(("action", "name"), [("upsert_customer", "address"), ("assign_group", "customer")])
def test_a_list_of_one_object_is_that_object(action: str, name: str) -> None:
    call = CALLS[action]
    assert load(ACTIONS[action], {**call, name: [call[name]]}) == (call, {})


def test_several_fields_of_a_customer_can_be_left_out() -> None:
    call = {"source_id": "a", "type": "identify", "name": {}, "birthdate": "x", "email": "a@example.org"}
    loaded, left_out = load(
        ACTIONS["upsert_customer"], {**call, "address": {"city": {}, "street": "1 Road"}, "metadata": "x"}
    )
    assert loaded == {"source_id": "a", "type": "identify", "email": "a@example.org", "address": {"street": "1 Road"}}
    assert left_out.keys() == {"name", "birthdate", "address.city", "metadata"}


@pytest.mark.parametrize(("action", "field"), FIELDS)
def test_missing_null_or_empty_values_are_rejected_only_if_required(action: str, field: Field) -> None:
    call = CALLS[action]
    for said_nothing in (
        without(changed(call, field.name, ""), field.name),
        *(changed(call, field.name, value) for value in (None, "", " \t")),
    ):
        if field.required:
            assert refusal(action, said_nothing) == {field.name: "Missing."}
        else:
            load(ACTIONS[action], said_nothing)


@pytest.mark.parametrize(("action", "field"), FIELDS)
def test_null_stays_only_where_it_clears_a_field(action: str, field: Field) -> None:
    if field.required:
        return
    loaded: Any = load(ACTIONS[action], changed(CALLS[action], field.name, None))[0]
    *parents, name = field.name.split(".")
    for parent in parents:
        loaded = loaded.get(parent, {})
    assert loaded.get(name, "absent") is (None if field.nullable else "absent")


@pytest.mark.parametrize("action", CALLS)
def test_unknown_keys_pass_at_every_level_and_are_ignored(action: str) -> None:
    widened = {
        name: {**value, "new": [1]} if name not in ("metadata", "traits") and isinstance(value, dict) else value
        for name, value in CALLS[action].items()
    }
    assert load(ACTIONS[action], {**widened, "new": {"deep": [None]}}) == (CALLS[action], {})


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize("call", [None, [], "text", 7, True, [{}]], ids=repr)
def test_a_call_that_is_not_an_object_is_rejected(action: str, call: Any) -> None:
    assert refusal(action, call) == {"": "Not an object."}


@pytest.mark.parametrize(
    ("action", "call", "names"),
    [
        ("upsert_customer", {}, {"source_id", "type"}),
        (
            "upsert_customer",
            {"name": [], "birthdate": "x", "address": {"city": [], "street": {}}, "metadata": []},
            {"source_id", "type", "name", "birthdate", "address.city", "address.street", "metadata"},
        ),
        ("add_custom_event", {}, {"customer", "type"}),
        (
            "add_custom_event",
            {"customer": {"email": {}}, "loyalty": {"code": []}, "referral": "x"},
            {"customer.source_id", "customer.email", "loyalty.code", "referral", "type"},
        ),
        ("assign_group", {"customer": {}, "traits": "x"}, {"customer.source_id", "group_id", "traits", "type"}),
    ],
)
def test_all_wrong_fields_are_named_at_once(action: str, call: dict[str, Any], names: set[str]) -> None:
    assert refusal(action, call).keys() == names


def test_the_message_names_the_fields_and_repeats_no_value() -> None:
    with pytest.raises(Invalid) as refused:
        load(ACTIONS["upsert_customer"], {"source_id": {"id": "anna"}, "birthdate": "anna", "type": "identify"})
    assert str(refused.value) == "source_id: Not a text.; birthdate: Not a date, or not clear which one."


@pytest.mark.parametrize(
    "told",
    [
        "1990-05-01",
        " 1990-05-01 ",
        "1990-05-01T00:00:00.000Z",
        "1990-05-01T23:59:59Z",
        "1990-05-01T00:30:00+02:00",
        "1990-05-01T23:30:00-08:00",
        "1990-05-01 12:00",
        "19900501",
        "1990-5-1",
        "1990/05/1 10:00:00",
        "May 1, 1990",
        "1. may 1990",
        "Tue May 01 1990 00:00:00 GMT+0200 (CEST)",
    ],
)
def test_a_birthdate_ignores_the_offset(told: str) -> None:
    loaded, _ = load(ACTIONS["upsert_customer"], {**CALLS["upsert_customer"], "birthdate": told})
    assert loaded["birthdate"] == "1990-05-01"


@pytest.mark.parametrize(
    ("told", "date"),
    [("01/31/1990", "1990-01-31"), ("31.12.1990", "1990-12-31"), ("05/05/1990", "1990-05-05"), ("30.2.1990", None)]
    + [(told, None) for told in ("631152000", "631152000000", "0000-00-00", "false", "-1", "5.6.90", "1.2.1990")],
)
def test_an_ambiguous_birthdate_is_left_out(told: str, date: str | None) -> None:
    loaded, left_out = load(ACTIONS["upsert_customer"], {**CALLS["upsert_customer"], "birthdate": told})
    assert loaded.get("birthdate") == date
    assert left_out == ({} if date else {"birthdate": "Not a date, or not clear which one."})


@pytest.mark.parametrize("name", ["referral", "loyalty"])
@pytest.mark.parametrize("value", [{}, {"code": None}, {"code": ""}, {"referrer_id": "ben-2"}], ids=repr)
def test_an_object_without_its_essential_field_is_empty(name: str, value: Any) -> None:
    assert load(ACTIONS["add_custom_event"], {**CALLS["add_custom_event"], name: value})[0][name] == {}
