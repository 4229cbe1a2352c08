"""Metadata is fitted to the project's schemas, which are cached."""

import json
from dataclasses import replace

import pytest
from flask import Response

from bridge.delivery.rules.sink import Happened
from bridge.demo.metadata_schemas import metadata_schema
from bridge.demo.voucherify import Call, Fault
from tests.acceptance.server import free_port
from tests.sinks.voucherify_stage import Stage, Work, event, says, upsert, upserts

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened
CUSTOMER = "GET /v1/metadata-schemas/customer"


def reads(stage: Stage) -> list[str]:
    return [f"{call.method} {call.path}" for call in stage.stand_in.calls if "metadata-schemas" in call.path]


@pytest.fixture
def strict(stage: Stage) -> Stage:
    """Return a stage whose schema has only a number ``age`` and a text ``bridge_id``."""
    for resource in ("customer", "event"):
        types = {"age": "number", "bridge_id": "string"}
        stage.project.schemas[resource] = metadata_schema(resource, types, defined_only=True)
    return stage


def test_what_a_customer_s_schema_does_not_take_is_left_out_and_named(strict: Stage) -> None:
    [outcome] = strict.send(upsert(metadata={"age": "42", "plan": "gold"}))
    assert strict.project.customers["anna"]["metadata"] == {"age": 42}
    assert outcome.detail.startswith("metadata left out: plan (not in the schema)\n")


def test_fields_that_were_left_out_before_are_named_too(strict: Stage) -> None:
    parcel = upsert(metadata={"plan": "gold"})
    payload = {**json.loads(parcel.payload), "left_out": {"birthdate": "Not a date."}}
    [outcome] = strict.send(replace(parcel, payload=json.dumps(payload).encode()))
    assert outcome.detail.startswith("left out: birthdate (Not a date.)\nmetadata left out: plan (not in the schema)\n")


def test_what_an_event_s_schema_does_not_take_is_left_out_and_named(strict: Stage) -> None:
    [outcome] = strict.send(event(age="much", plan="gold"))
    [sent] = strict.project.events
    assert sent["metadata"].keys() == {"bridge_id"}
    assert outcome.happened is DELIVERED
    assert "age (" in outcome.detail
    assert "plan (" in outcome.detail


def test_in_bulk_each_has_its_own_note(strict: Stage) -> None:
    outcomes = strict.send(*upserts(4), upsert("zoe", metadata={"plan": "gold"}))
    assert ["plan" in one.detail for one in outcomes] == [False] * 4 + [True]


def test_a_later_value_that_does_not_fit_leaves_an_earlier_one_that_does(strict: Stage) -> None:
    strict.send(upsert("anna", {"metadata": {"age": "much"}}, metadata={"age": 42}))
    assert strict.project.customers["anna"]["metadata"] == {"age": 42}


def test_without_metadata_no_schema_is_read(stage: Stage) -> None:
    stage.send(upsert(name="Anna"))
    assert reads(stage) == []


@pytest.mark.parametrize("status", [404, 401, 403, 400], ids=["none", "401", "no permission", "another refusal"])
def test_where_there_is_no_schema_to_be_read_all_passes(stage: Stage, status: int) -> None:
    stage.fail("/customer", says(status))
    assert stage.send(upsert(metadata={"plan": "gold"}))[0].happened is DELIVERED
    assert stage.project.customers["anna"]["metadata"] == {"plan": "gold"}


def test_a_schema_is_read_once_in_five_minutes(strict: Stage) -> None:
    sink = strict.sink()
    for expected in (1, 1, 2):
        sink.send([upsert(metadata={"age": 1}), upsert("boris", metadata={"age": 2})])
        assert reads(strict) == [CUSTOMER] * expected
        strict.clock.at += 200.0


def test_a_change_is_seen_after_five_minutes(strict: Stage) -> None:
    sink = strict.sink()
    sink.send([upsert(metadata={"plan": "gold"})])
    strict.project.schemas["customer"] = metadata_schema("customer", {"plan": "string"}, defined_only=True)
    strict.clock.at += 301.0
    sink.send([upsert(metadata={"plan": "gold"})])
    assert strict.project.customers["anna"]["metadata"] == {"plan": "gold"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(says(500), FAILED, id="500"),
        pytest.param(says(408), FAILED, id="408"),
        pytest.param(says(429), THROTTLED, id="429"),
    ],
)
class TestASchemaThatCannotBeReadNow:
    def test_one_that_was_known_is_used_on(self, strict: Stage, fault: Fault, expected: Happened) -> None:
        sink = strict.sink()
        sink.send([upsert(metadata={"age": 1})])
        strict.clock.at += 301.0
        strict.fail("/customer", fault)
        [outcome] = sink.send([upsert(metadata={"age": 2, "plan": "gold"})])
        assert outcome.happened is (DELIVERED if expected is FAILED else UNTRIED)
        assert (outcome.pause is None) is (expected is FAILED)

    def test_one_that_was_not_known_is_waited_for(self, strict: Stage, fault: Fault, expected: Happened) -> None:
        strict.fail("/customer", fault)
        outcomes = strict.send(upsert("anna", metadata={"age": 1}), upsert("boris", metadata={"age": 1}))
        assert [one.happened for one in outcomes] == [expected, expected]
        assert "customer metadata schema" in outcomes[0].detail
        assert reads(strict) == [CUSTOMER], "it is asked for once, not once a parcel"

    def test_who_does_not_need_it_does_not_wait(self, strict: Stage, fault: Fault, expected: Happened) -> None:
        strict.fail("/customer", fault)
        outcomes = strict.send(upsert("anna", metadata={"age": 1}), upsert("boris"))
        assert outcomes[1].happened is (DELIVERED if expected is FAILED else UNTRIED)


def test_schemas_cannot_be_read_without_a_connection(stage: Stage) -> None:
    outcomes = stage.send(upsert(metadata={"a": 1}), event("boris"), url=f"http://127.0.0.1:{free_port()}")
    assert [one.happened for one in outcomes] == [FAILED, FAILED]


def test_schemas_of_nested_objects_are_read_too(stage: Stage) -> None:
    schema = metadata_schema("customer", {"home": "object"})
    schema["properties"]["home"]["objectType"] = "Place"
    stage.project.schemas = {
        "customer": schema, "Place": metadata_schema("Place", {"floor": "number"}, defined_only=True)
    }  # fmt: skip
    [outcome] = stage.send(upsert(metadata={"home": {"floor": "3", "door": "left"}}))
    assert stage.project.customers["anna"]["metadata"] == {"home": {"floor": 3}}
    assert "home.door" in outcome.detail


def test_a_nested_schema_that_cannot_be_read_now_is_waited_for(stage: Stage) -> None:
    schema = metadata_schema("customer", {"home": "object"})
    schema["properties"]["home"]["objectType"] = "Place"
    stage.project.schemas = {"customer": schema}
    stage.fail("/Place", says(500))
    assert stage.send(upsert(metadata={"home": {"floor": 3}}))[0].happened is FAILED


def test_an_answer_that_is_no_schema_demands_nothing(stage: Stage) -> None:
    def proxy(_: Call, __: Work) -> Response:
        return Response("<html>", 404)

    stage.fail("/customer", proxy)
    assert stage.send(upsert(metadata={"plan": "gold"}))[0].happened is DELIVERED
