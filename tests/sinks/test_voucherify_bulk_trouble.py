"""Bulks that fail: failed customers, and unknown outcomes."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Response

from bridge.delivery.rules.sink import Happened
from bridge.demo.voucherify import Call, Fault
from tests.sinks.voucherify_stage import (
    BEGIN,
    Stage,
    Work,
    adds,
    after_the_work,
    changes,
    event,
    happened,
    says,
    upsert,
    upserts,
)

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, UNKNOWN, UNCERTAIN = Happened
BULK, JOB, ALONE = "POST /v1/customers/bulk/async", "GET /v1/async-actions/", "POST /v1/customers"


@pytest.mark.parametrize("whole", [400, 413])
def test_a_bulk_that_is_refused_because_of_one_is_halved_until_that_is_alone(stage: Stage, whole: int) -> None:
    def refuse(call: Call, work: Work) -> Response:
        if "customer-42" not in str(call.body):
            return work()
        return says(whole if "bulk" in call.path else 400)(call, work)

    stage.stand_in.fault = refuse
    outcomes = stage.send(*upserts(100))
    assert happened(outcomes) == [DELIVERED] * 42 + [REJECTED] + [DELIVERED] * 57
    assert '"key": "scripted"' in outcomes[42].detail


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda job: job["result"].update(errors=[]), id="nobody is named"),
        pytest.param(
            lambda job: job["result"]["errors"][0].update(source_id=""), id="one without a source_id is named"
        ),
        pytest.param(lambda job: job["result"]["errors"].pop(), id="only one of two is named"),
    ],
)
def test_a_job_that_does_not_say_who_failed_is_halved_until_it_does(
    stage: Stage, hide: Callable[[dict[str, Any]], None]
) -> None:
    def change(job: dict[str, Any]) -> None:
        if job.get("result") and job["result"]["errors"]:
            hide(job)

    stage.on_jobs(changes(change))
    stage.project.unwanted = {"customer-3": "phone: wrong", "customer-19": "phone: wrong"}
    outcomes = stage.send(*upserts(20))
    assert happened(outcomes) == [REJECTED if place in (3, 19) else DELIVERED for place in range(20)]


@pytest.mark.parametrize("word", ["status", "operation_status"])
def test_a_job_that_fails_as_a_whole_is_halved(stage: Stage, word: str) -> None:
    def fail(job: dict[str, Any]) -> None:
        jobs = list(stage.project.jobs)
        if job["status"] == "DONE" and job["id"] == jobs[0]:
            job[word] = "FAILED"

    stage.on_jobs(changes(fail))
    assert happened(stage.send(*upserts(10))) == [DELIVERED] * 10
    assert len(stage.asked(BULK)) == 3


def test_a_job_of_which_all_fail_names_each(stage: Stage) -> None:
    stage.project.unwanted = {f"customer-{number}": "phone: wrong" for number in range(10)}
    stage.on_jobs(changes(lambda job: job.update(operation_status="FAILED")))
    assert happened(stage.send(*upserts(10))) == [REJECTED] * 10
    assert len(stage.asked(BULK)) == 1


def test_one_whose_job_fails_is_tried_again(stage: Stage) -> None:
    stage.on_jobs(changes(lambda job: job.update(status="FAILED")))
    assert happened(stage.send(upsert(since=BEGIN))) == [FAILED]


def test_one_in_doubt_that_its_job_counts_as_failed_is_rejected(stage: Stage) -> None:
    stage.project.unwanted["anna"] = "phone: wrong"
    stage.on_jobs(changes(lambda job: job.get("result", {}).update(errors=[])))
    assert happened(stage.send(upsert(since=BEGIN))) == [REJECTED]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(says(500), [UNKNOWN] * 6, id="500: it may be in the queue"),
        pytest.param(after_the_work(says(504)), [UNKNOWN] * 6, id="504, and it is in the queue"),
        pytest.param(says(429), [THROTTLED] + [THROTTLED] * 5, id="429"),
        pytest.param(says(401), [FORBIDDEN] * 6, id="401"),
        pytest.param(says(202, {"async_action_id": ""}), [UNKNOWN] * 6, id="202 with an empty id"),
    ],
)
def test_what_the_answer_to_a_bulk_says_is_said_of_all(stage: Stage, fault: Fault, expected: list[Happened]) -> None:
    stage.fail(BULK, fault)
    assert happened(stage.send(*upserts(6), event("zoe"))) == [
        *expected,
        UNTRIED if expected[0] in (THROTTLED, FORBIDDEN) else DELIVERED,
    ]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(says(500), id="500"),
        pytest.param(says(404), id="404"),
        pytest.param(lambda *_: Response("<html>", 502), id="no JSON"),
    ],
)
def test_a_failed_poll_is_repeated(stage: Stage, fault: Fault) -> None:
    polls = []

    def once(call: Call, work: Work) -> Response:
        polls.append(call)
        return fault(call, work) if len(polls) == 1 else work()

    stage.on_jobs(once)
    assert happened(stage.send(*upserts(5))) == [DELIVERED] * 5


def test_a_429_to_a_poll_leaves_the_bulk_unknown_and_pauses_everybody(stage: Stage) -> None:
    stage.on_jobs(says(429, Retry_After="30", X_Rate_Limit_Retry=""))
    outcomes = stage.send(*upserts(5), event("zoe"))
    assert happened(outcomes) == [UNKNOWN] * 5 + [UNTRIED]
    assert outcomes[0].pause == 30.0


def test_a_429_to_a_poll_that_names_no_time_pauses_everybody_all_the_same(stage: Stage) -> None:
    stage.on_jobs(says(429, Retry_After="0", X_Rate_Limit_Retry="30"))
    assert [one.pause for one in stage.send(*upserts(5))] == [10.0] * 5


def test_the_last_call_of_a_window_spent_on_a_bulk(stage: Stage) -> None:
    stage.fail(BULK, adds(X_Rate_Limit_Remaining="0", X_Rate_Limit_Retry=f"{BEGIN + 9:.0f}"))
    outcomes = stage.send(*upserts(5))
    assert happened(outcomes) == [UNKNOWN] * 5
    assert [one.pause for one in outcomes][-1] == 9.0
    assert stage.asked() == [BULK]
