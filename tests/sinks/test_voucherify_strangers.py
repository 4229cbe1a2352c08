"""A 2xx of another service is no success."""

from typing import Any

import pytest
from flask import Response

from bridge.delivery.rules.sink import Happened
from bridge.demo.voucherify import Call, Fault
from bridge.voucherify_api import endpoints
from tests.sinks.voucherify_stage import BEGIN, Stage, Work, event, happened, says, upsert, upserts

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
MISTAKE = {"code": 400, "key": "invalid_payload", "message": "Invalid payload", "details": "by the test"}


def page(_: Call, __: Work) -> Response:
    return Response(PAGE, 200, mimetype="text/html")


STRANGERS = [
    pytest.param(page, id="a login page"),
    pytest.param(lambda *_: Response("", 200), id="nothing"),
    pytest.param(lambda *_: Response("", 204), id="204"),
    pytest.param(lambda *_: Response("OK", 200, mimetype="text/plain"), id="a word"),
    pytest.param(lambda *_: Response("[]", 200, mimetype="application/json"), id="an array"),
    pytest.param(says(200, {"status": "up"}), id="another service"),
    pytest.param(says(200, MISTAKE), id="an error of Voucherify's"),
    pytest.param(says(200, MISTAKE | {"object": "customer", "source_id": "anna"}), id="an error that names a customer"),
    pytest.param(says(201, {"error": "no", "object": "event", "customer": {}}), id="an error that names an event"),
    pytest.param(says(202, {"success": False, "async_action_id": "aa_1"}), id="an error that names an action"),
]
"""Responses that Voucherify never sends."""


@pytest.fixture(autouse=True)
def outside_the_contract(stage: Stage) -> Any:
    """Accept responses that the OpenAPI files do not describe."""
    yield
    stage._contract.problems.clear()


@pytest.mark.parametrize("stranger", STRANGERS)
class TestWhenSomethingElseAnswers:
    def test_an_upsert_is_tried_again(self, stage: Stage, stranger: Fault) -> None:
        stage.fail("POST /v1/customers", stranger)
        [outcome] = stage.send(upsert())
        assert outcome.happened is FAILED
        assert "not Voucherify" in outcome.detail

    def test_a_custom_event_is_looked_up(self, later: Stage, stranger: Fault) -> None:
        sink = later.sink()
        later.fail("POST /v1/events", stranger)
        assert happened(sink.send([event()])) == [UNKNOWN]
        later.stand_in.fault = None
        assert happened(sink.send([event(since=BEGIN)])) == [DELIVERED]
        assert later.asked() == ["POST /v1/events", "GET /v1/customers/anna/activity", "POST /v1/events"]

    def test_a_look_up_is_made_again(self, later: Stage, stranger: Fault) -> None:
        later.fail("activity", stranger)
        [outcome] = later.send(event(since=BEGIN))
        assert (outcome.happened, later.project.events) == (FAILED, [])

    def test_a_bulk_is_sent_again(self, stage: Stage, stranger: Fault) -> None:
        stage.fail("POST /v1/customers/bulk/async", stranger)
        assert happened(stage.send(*upserts(6))) == [UNKNOWN] * 6

    def test_an_async_action_is_asked_again(self, stage: Stage, stranger: Fault) -> None:
        polls: list[Call] = []

        def once(call: Call, work: Work) -> Response:
            polls.append(call)
            return stranger(call, work) if len(polls) == 1 else work()

        stage.on_jobs(once)
        assert happened(stage.send(*upserts(6))) == [DELIVERED] * 6

    def test_a_metadata_schema_is_read_again(self, stage: Stage, stranger: Fault) -> None:
        sink = stage.sink()
        stage.fail("metadata-schemas/customer", stranger)
        [outcome] = sink.send([upsert(metadata={"a": 1})])
        assert (outcome.happened, stage.project.customers) == (FAILED, {})
        stage.stand_in.fault = None
        assert happened(sink.send([upsert(metadata={"a": 1})])) == [DELIVERED]

    def test_the_keys_are_not_called_accepted(self, stage: Stage, stranger: Fault) -> None:
        stage.fail("GET /v1/customers", stranger)
        assert stage.sink().probe().happened is FAILED


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        (endpoints.UPSERT, {"object": "customer", "id": "cust_1"}),
        (endpoints.UPSERT, {"id": "cust_1", "source_id": "anna"}),
        (endpoints.UPSERT_MANY, {"async_action_id": "aa_1"}),
        (endpoints.ASYNC_ACTION, {"id": "aa_1", "status": "IN_PROGRESS"}),
        (endpoints.ACTIVITY, {"object": "list", "data": []}),
        (endpoints.RECORD_EVENT, {"object": "event", "type": "Paid"}),
        (endpoints.RECORD_EVENT, {"type": "Paid", "customer": {}}),
        (endpoints.METADATA_SCHEMA, {"properties": {}}),
        (endpoints.LIST_CUSTOMERS, {"object": "list", "customers": []}),
    ],
)
def test_the_least_that_each_success_says(endpoint: endpoints.Endpoint, said: dict[str, Any]) -> None:
    assert endpoint.recognises(said)
    assert not endpoint.recognises({})
    assert not endpoint.recognises(said | {"code": 400})
