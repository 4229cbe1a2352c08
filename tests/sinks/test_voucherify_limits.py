"""Voucherify's limit, the bridge's own budget, and the time of a ``send``."""

import json
from email.utils import formatdate

import pytest
from flask import Response

from bridge.delivery.rules.sink import Happened, Parcel
from bridge.demo.voucherify import Call
from tests.sinks.voucherify_stage import BEGIN, Stage, Work, adds, event, happened, says, upsert

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({"Retry_After": "7", "X_Rate_Limit_Retry": ""}, 7.0, id="delta seconds"),
        pytest.param(
            {"Retry_After": "Thu, 17 Mar 2030 17:46:49 GMT", "X_Rate_Limit_Retry": ""}, 9.0, id="an HTTP date"
        ),
        pytest.param({"Retry_After": "", "X_Rate_Limit_Retry": f"{BEGIN + 20:.0f}"}, 20.0, id="epoch seconds"),
        pytest.param({"Retry_After": "7", "X_Rate_Limit_Retry": f"{BEGIN + 20:.0f}"}, 20.0, id="the later of two"),
        pytest.param({"Retry_After": "30", "X_Rate_Limit_Retry": f"{BEGIN - 20:.0f}"}, 30.0, id="one that is past"),
        pytest.param({"Retry_After": "0", "X_Rate_Limit_Retry": ""}, 10.0, id="no time"),
        pytest.param(
            {"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT", "X_Rate_Limit_Retry": ""}, 10.0, id="a date that is past"
        ),
        pytest.param({"Retry_After": "", "X_Rate_Limit_Retry": "30"}, 10.0, id="an epoch that is past"),
        pytest.param(
            {
                "Retry_After": "",
                "X_Rate_Limit_Retry": f"{BEGIN - 300 + 20:.0f}",
                "Date": formatdate(BEGIN - 300, usegmt=True),
            },
            20.0,
            id="a clock that is minutes behind ours",
        ),
        pytest.param(
            {
                "Retry_After": formatdate(BEGIN + 300 + 20, usegmt=True),
                "X_Rate_Limit_Retry": "",
                "Date": formatdate(BEGIN + 300, usegmt=True),
            },
            20.0,
            id="a clock that is minutes ahead of ours",
        ),
        pytest.param({"Retry_After": "soon", "X_Rate_Limit_Retry": "NaN"}, 10.0, id="nothing that is understood"),
        pytest.param(
            {"Retry_After": "9" * 400, "X_Rate_Limit_Retry": ""}, float("inf"), id="an absurd one, for retry.py"
        ),
    ],
)
@pytest.mark.parametrize("parcel", [upsert(), event()], ids=["upsert", "event"])
def test_a_429_says_how_long_everybody_waits(
    stage: Stage, parcel: Parcel, headers: dict[str, str], wait: float
) -> None:
    stage.fail(f"POST {json.loads(parcel.payload)['path']}", says(429, **headers))
    first, second = stage.send(parcel, event("zoe"))
    assert (first.happened, first.retry_after) == (THROTTLED, wait)
    assert second.happened is UNTRIED


def test_a_503_says_how_long_this_one_waits(stage: Stage) -> None:
    stage.fail("POST /v1/customers", says(503, Retry_After="7"))
    first, second = stage.send(upsert("anna"), event("boris"))
    assert (first.happened, first.retry_after, first.pause) == (FAILED, 7.0, None)
    assert second.happened is DELIVERED


@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_last_call_of_a_window_ends_the_send_and_pauses_the_sink(stage: Stage, status: int) -> None:
    left = {"X_Rate_Limit_Remaining": "0", "X_Rate_Limit_Retry": f"{BEGIN + 42:.0f}"}
    stage.fail("POST /v1/customers", adds(**left) if status == 200 else says(status, **left))
    first, second = stage.send(upsert("anna"), event("boris"))
    assert (first.code, first.pause) == (status, 42.0)
    assert second.happened is UNTRIED
    assert stage.asked() == ["POST /v1/customers"]


def test_a_pause_that_reading_a_schema_brings_is_reported(stage: Stage) -> None:
    stage.fail("customer", says(404, X_Rate_Limit_Remaining="0", X_Rate_Limit_Retry=f"{BEGIN + 42:.0f}"))
    [outcome] = stage.send(upsert(metadata={"a": 1}))
    assert (outcome.happened, outcome.pause) == (UNTRIED, 42.0)


def test_the_limit_of_the_plan_is_never_run_into(stage: Stage) -> None:
    stage.stand_in.limit.calls = 10
    waiting = [event(f"customer-{number}") for number in range(25)]
    sink = stage.sink()
    while waiting:
        outcomes = sink.send(waiting)
        assert set(happened(outcomes)) <= {DELIVERED, UNTRIED}
        stage.clock.at += max((one.pause or 0.0 for one in outcomes), default=0.0)
        waiting = [one for one, outcome in zip(waiting, outcomes, strict=True) if outcome.happened is UNTRIED]
    assert len(stage.project.events) == 25


def test_refused_keys_end_the_send(stage: Stage) -> None:
    stage.stand_in.secret_key = "another"
    assert happened(stage.send(upsert("anna"), upsert("boris"), event("carla"))) == [FORBIDDEN, UNTRIED, UNTRIED]


def test_the_budget_is_asked_before_every_call(stage: Stage) -> None:
    stage.send(event("anna"), event("boris"), event("carla"), allow=lambda: 2.0)
    assert [call.at - BEGIN for call in stage.stand_in.calls] == [2.0, 4.0, 6.0, 8.0]  # one of them for the schema


def test_what_the_budget_allows_only_after_the_send_is_left_for_another_one(stage: Stage) -> None:
    waits = iter([0.0, 20.0, 100.0, 100.0])
    outcomes = stage.send(upsert("anna"), upsert("boris"), upsert("carla"), upsert("dora"), allow=lambda: next(waits))
    assert happened(outcomes) == [DELIVERED, DELIVERED, UNTRIED, UNTRIED]
    assert [one.pause for one in outcomes] == [None, None, 100.0, None]
    assert next(waits) == 100.0, "nobody asks the budget again"


def test_a_send_ends_in_time(stage: Stage) -> None:
    def slow(_: Call, work: Work) -> Response:
        stage.clock.at += 8.0
        return work()

    stage.fail("POST /v1/events", slow)
    sink = stage.sink()
    outcomes = sink.send([event(f"customer-{number}") for number in range(10)])
    assert happened(outcomes) == [DELIVERED] * 4 + [UNTRIED] * 6
    assert stage.clock.at - BEGIN < sink.patience
