"""A custom event is recorded once, or its delivery is uncertain."""

import pytest
from flask import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.delivery.rules.sink import Happened
from bridge.demo.voucherify import Call, Fault
from tests.demo.contract import Contract
from tests.sinks.voucherify_stage import BEGIN, Stage, Work, after_the_work, event, identification, says

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened
LOOK_UP = "GET /v1/customers/anna/activity"
POST = "POST /v1/events"


def test_every_event_carries_an_identification_that_is_its_keys(stage: Stage) -> None:
    stage.send(event("anna"), event("boris"), event("anna", "Refunded"))
    sent = [call.body["metadata"]["bridge_id"] for call in stage.stand_in.calls if call.path == "/v1/events"]
    assert sent == [identification(one) for one in (event("anna"), event("boris"), event("anna", "Refunded"))]


@pytest.mark.parametrize(
    "answer",
    [pytest.param(says(500), id="500"), pytest.param(says(504), id="504"), pytest.param(says(408), id="408")],
)
def test_an_event_recorded_before_a_wrong_answer_is_not_sent_again(stage: Stage, answer: Fault) -> None:
    sink = stage.sink()
    stage.fail(POST, after_the_work(answer))
    assert sink.send([event()])[0].happened is UNKNOWN
    stage.stand_in.fault = None
    assert sink.send([event(since=BEGIN)])[0].happened is DELIVERED
    assert len(stage.project.events) == 1


def test_an_event_recorded_without_an_answer_is_not_sent_again(stage: Stage) -> None:
    sink = stage.sink(call=0.3)
    stage.fail(POST, after_the_work(stage.never))
    assert sink.send([event()])[0].happened is UNKNOWN
    stage.stand_in.fault = None
    assert sink.send([event(since=BEGIN)])[0].happened is DELIVERED
    assert len(stage.project.events) == 1


def test_one_that_is_not_there_is_sent(later: Stage) -> None:
    later.recorded(bridge_id="another's")
    later.recorded(name="Another")
    assert later.send(event(since=BEGIN))[0].happened is DELIVERED
    assert later.asked() == [LOOK_UP, POST]


def test_an_event_of_an_unknown_customer_is_sent(later: Stage) -> None:
    assert later.send(event(since=BEGIN))[0].happened is DELIVERED
    assert later.asked() == [LOOK_UP, POST]


@pytest.mark.parametrize("told", ["resource_id", "details"])
def test_either_way_to_say_that_a_customer_is_not_known(later: Stage, told: str) -> None:
    said = {"code": 404, "key": "not_found", "message": "Resource not found"}
    named = {"resource_id": "anna"} if told == "resource_id" else {"details": "Cannot find customer with id anna"}
    later.fail(LOOK_UP, says(404, said | named))
    assert later.send(event(since=BEGIN))[0].happened is DELIVERED


def test_not_there_is_not_believed_at_once(stage: Stage) -> None:
    # A send that began at that time may have posted it 40 seconds later, and it may be visible 10 seconds after that.
    [outcome] = stage.send(event(since=BEGIN - 5))
    assert (outcome.happened, outcome.retry_after) == (FAILED, 40.0 + 10.0 - 5.0)
    assert stage.asked() == [LOOK_UP]


class TestAProjectThatRefusesTheIdentification:
    @staticmethod
    def refuse(stage: Stage) -> None:
        refusal = says(400, {"code": 400, "key": "invalid_metadata", "message": "", "details": "bridge_id: unknown"})
        stage.fail(POST, lambda call, work: (refusal if "bridge_id" in call.body["metadata"] else run)(call, work))

    def test_gets_the_event_without_it(self, stage: Stage) -> None:
        self.refuse(stage)
        [outcome] = stage.send(event(plan="gold"))
        assert outcome.happened is DELIVERED
        assert "without bridge_id" in outcome.detail
        assert [one["metadata"] for one in stage.project.events] == [{"plan": "gold"}]

    def test_is_not_asked_again_for_that_event(self, stage: Stage) -> None:
        self.refuse(stage)
        sink = stage.sink()
        sink.send([event("anna"), event("boris"), event("carla", "Another")])
        assert stage.asked() == [POST] * 5

    def test_and_the_event_gets_no_second_try(self, stage: Stage) -> None:
        stage.fail(POST, says(400, {"code": 400, "key": "x", "message": "", "details": "bridge_id, and more"}))
        sink = stage.sink()
        assert [one.happened for one in sink.send([event("anna"), event("boris")])] == [REJECTED, REJECTED]
        assert stage.asked() == [POST] * 4


def run(_: Call, work: Work) -> Response:
    return work()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(st.sampled_from(["ok", "lost", "done and lost", "refused"]), max_size=6))
def test_whatever_happens_no_event_is_recorded_twice(contract: Contract, script: list[str]) -> None:
    with Stage(contract) as stage:
        steps = iter(script)
        faults = {"ok": run, "lost": says(500), "done and lost": after_the_work(says(500)), "refused": says(429)}

        def scripted(call: Call, work: Work) -> Response:
            return faults[next(steps, "ok")](call, work)

        stage.fail(POST, scripted)
        sink, since, happened = stage.sink(), None, UNTRIED
        while happened not in (DELIVERED, REJECTED, UNCERTAIN):
            at = stage.clock.at
            happened = sink.send([event(since=since)])[0].happened
            since = at if happened is UNKNOWN else since
            stage.clock.at += 5.0
        assert happened is DELIVERED
        assert len(stage.project.events) == 1
