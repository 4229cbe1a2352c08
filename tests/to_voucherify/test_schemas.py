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
    Type.TEXT: [7, 1.5, True, ["a"], {"a": "b"}],
    Type.DATE: [7, True, [], "yesterday", "1990-13-01", "01/05/1990", "1990-05-01junk"],
    Type.OBJECT: ["a", 7, False, [{}]],
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


@pytest.mark.parametrize("action", CALLS)
def test_every_sample_passes_and_comes_back(action: str) -> None:
    assert load(ACTIONS[action], CALLS[action]) == CALLS[action]


@pytest.mark.parametrize(("action", "field"), FIELDS)
def test_a_wrong_type_is_refused_by_the_fields_name(action: str, field: Field) -> None:
    for value in WRONG[field.type]:
        fields = refusal(action, changed(CALLS[action], field.name, value))
        assert fields.keys() == {field.name}
        assert fields[field.name].startswith(TEXTS[field.type])


@pytest.mark.parametrize(("action", "field"), FIELDS)
def test_what_is_missing_null_or_empty_is_refused_only_where_it_is_required(action: str, field: Field) -> None:
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
def test_null_stays_where_it_clears_a_field_and_only_there(action: str, field: Field) -> None:
    if field.required:
        return
    loaded: Any = load(ACTIONS[action], changed(CALLS[action], field.name, None))
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
    assert load(ACTIONS[action], {**widened, "new": {"deep": [None]}}) == CALLS[action]


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize("call", [None, [], "text", 7, True, [{}]], ids=repr)
def test_a_call_that_is_no_object_is_refused(action: str, call: Any) -> None:
    assert refusal(action, call) == {"": "Not an object."}


@pytest.mark.parametrize(
    ("action", "call", "names"),
    [
        ("upsert_customer", {}, {"source_id", "type"}),
        (
            "upsert_customer",
            {"name": 7, "birthdate": "x", "address": {"city": 1, "street": {}}, "metadata": []},
            {"source_id", "type", "name", "birthdate", "address.city", "address.street", "metadata"},
        ),
        ("add_custom_event", {}, {"customer", "type"}),
        (
            "add_custom_event",
            {"customer": {"email": 1}, "loyalty": {"code": 7}, "referral": "x"},
            {"customer.source_id", "customer.email", "loyalty.code", "referral", "type"},
        ),
        ("assign_group", {"customer": {}, "traits": "x"}, {"customer.source_id", "group_id", "traits", "type"}),
    ],
)
def test_all_wrong_fields_are_named_at_once(action: str, call: dict[str, Any], names: set[str]) -> None:
    assert refusal(action, call).keys() == names


def test_the_message_names_the_fields_and_repeats_no_value() -> None:
    with pytest.raises(Invalid) as refused:
        load(ACTIONS["upsert_customer"], {"source_id": ["anna"], "birthdate": "anna", "type": "identify"})
    assert str(refused.value) == "source_id: Not a text.; birthdate: Not a date or datetime in ISO 8601."


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
    ],
)
def test_a_birthdate_is_the_date_as_it_is_written(told: str) -> None:
    assert (
        load(ACTIONS["upsert_customer"], {**CALLS["upsert_customer"], "birthdate": told})["birthdate"] == "1990-05-01"
    )


@pytest.mark.parametrize("name", ["referral", "loyalty"])
@pytest.mark.parametrize("value", [{}, {"code": None}, {"code": ""}, {"referrer_id": "ben-2"}], ids=repr)
def test_an_object_without_what_is_essential_to_it_is_empty(name: str, value: Any) -> None:
    assert load(ACTIONS["add_custom_event"], {**CALLS["add_custom_event"], name: value})[name] == {}
