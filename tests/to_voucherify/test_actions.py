from collections.abc import Callable
from typing import Any

import pytest

from bridge.to_voucherify.actions import ACTIONS, Action, documentation

# The fields that Segment's destination sends, repeated here to detect changes: * required, ? nullable.
CONTRACT = {
    "upsert_customer": """
        source_id* name? first_name? last_name? description? email? phone? birthdate?
        address address.city? address.state? address.postal_code? address.street? address.country?
        metadata? type*
    """,
    "add_custom_event": """
        customer* customer.source_id* customer.email referral referral.code referral.referrer_id
        loyalty loyalty.code metadata event type*
    """,
    "assign_group": "customer* customer.source_id* customer.email group_id* traits type*",
}

PATHS = {"upsert_customer": "/v1/customers", "add_custom_event": "/v1/events", "assign_group": "/v1/customers"}

each_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)


def test_the_actions_are_exactly_three() -> None:
    assert ACTIONS.keys() == CONTRACT.keys()


@each_action
def test_an_action_has_the_fields_of_the_contract(action: Action) -> None:
    declared = [f"{field.name}{'*' * field.required}{'?' * field.nullable}" for field in action.fields]
    assert action.path == PATHS[action.name]
    assert sorted(declared) == sorted(CONTRACT[action.name].split())


@each_action
def test_every_object_is_declared_before_its_fields(action: Action) -> None:
    names = [field.name for field in action.fields]
    assert len(names) == len(set(names))
    for place, name in enumerate(names):
        parent, _, _ = name.rpartition(".")
        assert not parent or parent in names[:place]


@each_action
def test_the_lane_is_a_field_that_every_call_has(action: Action) -> None:
    (field,) = [field for field in action.fields if field.name == action.lane]
    assert field.required


@each_action
def test_every_target_is_a_field_of_voucherifys_request(
    action: Action, described: Callable[[str], dict[str, Any]]
) -> None:
    taken = _properties(described(action.path))
    targets = {field.target for field in action.fields} - {""}
    assert not taken or all(goal in taken or goal.startswith("metadata.") for goal in targets)


@each_action
def test_the_documentation_has_a_row_for_every_field(action: Action) -> None:
    head, rule, *rows = documentation(action).splitlines()
    assert [row.split("|")[1].strip() for row in rows] == [f"`{field.name}`" for field in action.fields]
    assert {line.count("|") for line in (head, rule, *rows)} == {7}


@pytest.mark.parametrize(
    ("action", "row"),
    [
        ("upsert_customer", "| `source_id` | text | yes |  | `source_id` | user id of the customer |"),
        ("upsert_customer", "| `address.street` | text |  | clears it | `address.line_1` | street and number |"),
        (
            "upsert_customer",
            "| `last_name` | text |  | clears it | `name` | family name; used if `name` is missing |",
        ),
        (
            "add_custom_event",
            "| `loyalty.code` | text |  |  | `loyalty.code` | the card's code; the object is left out without it |",
        ),
        ("add_custom_event", "| `event` | text |  |  | `event` | the event's name; cut after 300 characters |"),
        ("assign_group", "| `traits` | object |  |  | `metadata.group_*` | attributes of the group |"),
    ],
    ids=["required", "renamed", "stands in", "essential", "cut", "every key"],
)
def test_the_documentation_matches_the_declaration(action: str, row: str) -> None:
    assert row in documentation(ACTIONS[action]).splitlines()


def _properties(schema: dict[str, Any], root: dict[str, Any] | None = None) -> set[str]:
    """Return the dotted paths of a description."""
    root = root or schema
    found: set[str] = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {name} | {f"{name}.{path}" for path in _properties(inner, root)}
    for part in schema.get("allOf", []):
        found |= _properties(part, root)
    if "$ref" in schema:
        found |= _properties(root["components"]["schemas"][schema["$ref"].rpartition("/")[2]], root)
    return found
