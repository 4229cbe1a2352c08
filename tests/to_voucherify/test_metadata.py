import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.to_voucherify.conversions import CONVERSIONS
from bridge.to_voucherify.limits import LIMITS
from bridge.to_voucherify.metadata import DELETED, MANDATORY, UNDEFINED, Schema, fit
from tests.to_voucherify.schemata import schema


def test_undefined_properties_pass_unless_the_schema_forbids_them() -> None:
    metadata = {"tier": "gold", "new": {"any": [1]}}
    tier = {"type": "string"}
    assert fit(metadata, schema(tier=tier)) == ({"tier": "gold"}, {"new": UNDEFINED})
    assert fit(metadata, schema(tier=tier, allow_defined_only=False)) == (metadata, {})


@pytest.mark.parametrize("allow_defined_only", [True, False])
def test_a_deleted_property_is_left_out(*, allow_defined_only: bool) -> None:
    old = schema(old={"type": "string", "deleted": True}, allow_defined_only=allow_defined_only)
    assert fit({"old": "a"}, old) == ({}, {"old": DELETED})


@pytest.mark.parametrize("array", [True, False])
def test_null_clears_optional_properties(*, array: bool) -> None:
    number = {"type": "number", "array": array, "gt": 3}
    assert fit({"it": None}, schema(it=number)) == ({"it": None}, {})
    assert fit({"it": None}, schema(it={**number, "optional": False})) == ({}, {"it": MANDATORY})


@pytest.mark.parametrize(
    ("known", "kept"),
    [
        (None, False),
        (schema(), False),
        (schema(allow_defined_only=False), False),
        (schema(messageId={"type": "string", "deleted": True}), False),
        (schema(messageId={"type": "string"}), True),
    ],
    ids=["no schema", "defined only", "anything goes", "deleted", "defined"],
)
def test_the_message_id_is_removed_unless_the_schema_defines_it(*, known: Schema | None, kept: bool) -> None:
    made, left_out = fit({"messageId": "m-1"}, known)
    assert made == ({"messageId": "m-1"} if kept else {})
    assert left_out == {}


def test_without_a_schema_everything_else_passes() -> None:
    metadata: dict[str, Any] = {"tier": None, "visits": "7", "deep": {"a": [{}]}}
    assert fit({**metadata, "messageId": "m-1"}, None) == (metadata, {})


def test_a_nested_object_fits_its_own_schema() -> None:
    payment = schema(tax={"type": "number"}, method={"type": "string", "eq": ["card", "cash"]})
    outer = schema(
        payment={"type": "object", "objectType": "Payment"},
        earlier={"type": "object", "objectType": "Payment", "array": True},
        other={"type": "object", "objectType": "Unknown"},
        objects={"Payment": payment},
    )
    assert outer.object_types == {"Payment", "Unknown"}
    assert fit(
        {
            "payment": {"tax": "7", "method": "gold", "new": 1},
            "earlier": '[{"tax": "1"}, {"tax": "x"}]',
            "other": {"anything": "7"},
        },
        outer,
    ) == (
        {"payment": {"tax": 7}, "earlier": [{"tax": 1}, {}], "other": {"anything": "7"}},
        {
            "payment.method": LIMITS["eq"].violation,
            "payment.new": UNDEFINED,
            "earlier.1.tax": "not a number",
        },
    )


def test_objects_without_a_custom_schema_need_none() -> None:
    plain = schema(
        a={"type": "object"}, b={"type": "object", "objectType": "Old", "deleted": True}, c={"type": "string"}
    )
    assert plain.object_types == set()


@pytest.mark.parametrize(
    "answer",
    [None, [], "text", {}, {"properties": None}, {"properties": [], "allow_defined_only": True}, {"code": 404}],
    ids=repr,
)
def test_a_response_without_a_schema_accepts_everything(answer: Any) -> None:
    assert fit({"a": "1"}, Schema.parse(answer)) == ({"a": "1"}, {})


@pytest.mark.parametrize("definition", [None, "string", [], {}, {"type": None}, {"type": "new"}], ids=repr)
def test_an_unknown_definition_accepts_everything(definition: Any) -> None:
    known = Schema.parse({"properties": {"a": definition}, "allow_defined_only": True})
    assert fit({"a": [1]}, known) == ({"a": [1]}, {})


def test_every_type_and_limit_of_voucherify_is_known(shared: Path | None) -> None:
    if shared is None:
        return
    told = json.loads((shared / "voucherify" / "metadata-schemas.openapi.json").read_text())
    described = told["components"]["schemas"]["MetadataSchemaDefinitionDeprecated"]["properties"]
    assert set(described["type"]["enum"]) == {*CONVERSIONS, "object"}
    assert described.keys() == {*LIMITS, "type", "array", "optional", "deleted", "objectType"}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-20, 20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(
        ["1", "1.5", "true", "2031-03-01", "2031-03-01T08:00:00Z", "1, 2", "[1]", '{"a": 1}', "http://a"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
DEFINITIONS = st.fixed_dictionaries(
    {
        "type": st.sampled_from([*CONVERSIONS, "object"]),
        "array": st.booleans(),
        "optional": st.booleans(),
    },
    optional={
        "eq": st.lists(st.integers(-3, 3) | st.sampled_from(["1", "a", True]), max_size=3),
        "lt": st.integers(-5, 5),
        "gte": st.integers(-5, 5),
        "maxLength": st.integers(0, 5),
        "deleted": st.booleans(),
    },
)
NAMES = st.sampled_from(["a", "b", "c", "messageId"])


SCHEMAS = st.builds(
    lambda properties, only: schema(allow_defined_only=only, **properties),
    st.dictionaries(NAMES, DEFINITIONS),
    st.booleans(),
)


@given(st.dictionaries(NAMES, VALUES), SCHEMAS)
@settings(max_examples=300)
def test_every_removed_value_is_named_and_fitting_is_repeatable(metadata: dict[str, Any], known: Schema) -> None:
    before = copy.deepcopy(metadata)
    made, left_out = fit(metadata, known)
    assert metadata == before, "what was handed in was changed"
    assert made.keys() | left_out.keys() | {"messageId"} == metadata.keys() | {"messageId"}
    assert not made.keys() & left_out.keys()
    json.dumps(made, allow_nan=False)
    assert fit(made, known) == (made, {})


@given(st.dictionaries(NAMES, VALUES), SCHEMAS)
@settings(max_examples=100)
def test_no_reason_repeats_a_value(metadata: dict[str, Any], known: Schema) -> None:
    _, left_out = fit(metadata, known)
    told = {limit.violation for limit in LIMITS.values()} | {UNDEFINED, DELETED, MANDATORY}
    told |= {"not a text", "not a number", "not true or false", "not a date", "not a date and time", "not an object"}
    told |= {"not a latitude and a longitude", "not the URL of an image"}
    assert told >= set(left_out.values())
