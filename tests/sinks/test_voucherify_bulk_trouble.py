"""Bulks that fail: failed customers, and unknown outcomes."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Response

from bridge.delivery.rules.sink import Happened, Job
from bridge.demo.voucherify import Call, Fault
from bridge.sinks.voucherify import bulk
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

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened
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


@pytest.mark.parametrize("hides", [False, True], ids=["named", "not named"])
def test_a_part_of_the_customers_of_a_job_is_judged_as_the_whole(stage: Stage, *, hides: bool) -> None:
    stage.project.unwanted = {"customer-0": "phone: wrong"}
    first = "aa_000000000000000001"

    def hide(action: dict[str, Any]) -> None:
        if hides and action["id"] == first:
            action.get("result", {}).update(errors=[])

    stage.on_jobs(changes(hide))
    sink, parcels = stage.sink(), upserts(5)
    [job] = {one.job for one in sink.send(parcels)}
    stage.project.work_off()
    looked = [replace(one, job=job, in_doubt_since=BEGIN) for one in parcels]
    outcomes = [stage.finish(sink, [one])[0] for one in looked]
    assert happened(outcomes) == [REJECTED] + [DELIVERED] * 4


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
        pytest.param(says(202, {"async_action_id": "a" * 9_999}), [UNKNOWN] * 6, id="202 with an endless id"),
        pytest.param(says(202, {"async_action_id": "a\x00/../b"}), [UNKNOWN] * 6, id="202 with another path"),
    ],
)
def test_what_the_answer_to_a_bulk_says_is_said_of_all(stage: Stage, fault: Fault, expected: list[Happened]) -> None:
    stage.fail(BULK, fault)
    assert happened(stage.send(*upserts(6), event("zoe"))) == [*expected, DELIVERED]


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


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(says(500), id="500"),
        pytest.param(says(404), id="404"),
        pytest.param(says(401), id="401"),
        pytest.param(lambda *_: Response("<html>", 200), id="HTML"),
    ],
)
def test_a_bulk_that_cannot_be_read_is_sent_again_after_minutes(stage: Stage, fault: Fault) -> None:
    stage.on_jobs(fault)
    assert happened(stage.send(*upserts(5))) == [UNKNOWN] * 5
    age = stage.clock.at - BEGIN
    assert age == pytest.approx(bulk.UNREAD_SECONDS, abs=bulk.LONGEST_LOOK_SECONDS)
    assert len(stage.asked("async-actions")) < 20


def test_looks_that_hang_take_a_tenth_of_the_time(stage: Stage) -> None:
    def hang(_: Call, __: Work) -> Response:
        stage.clock.at += 2.0
        return says(500)(_, __)

    stage.on_jobs(hang)
    sink, parcels = stage.sink(), upserts(50)
    jobs = [next(iter({one.job for one in sink.send(parcels[at : at + 5])})) for at in range(0, 50, 5)]
    looked = [replace(parcel, job=jobs[place // 5]) for place, parcel in enumerate(parcels)]
    before = stage.clock.at
    for _ in range(100):
        assert set(happened(sink.send(looked))) == {PROCESSING}
        stage.clock.at += 1.0
    assert len(stage.asked("async-actions")) * 2.0 <= 0.15 * (stage.clock.at - before)


def test_a_look_that_hangs_is_cut_after_two_seconds(stage: Stage) -> None:
    stage.on_jobs(stage.never)
    sink = stage.sink()
    parcels = upserts(5)
    [job] = {one.job for one in sink.send(parcels)}
    began = time.monotonic()
    assert happened(sink.send([replace(one, job=job) for one in parcels])) == [PROCESSING] * 5
    assert time.monotonic() - began < 3 * 2.0


def test_a_look_that_was_not_made_keeps_the_bulk(stage: Stage) -> None:
    sink, parcels = stage.sink(), upserts(5)
    [job] = {one.job for one in sink.send(parcels)}
    sink.is_ending = lambda: True
    outcomes = sink.send([replace(one, job=job) for one in parcels])
    assert {(one.happened, one.job) for one in outcomes} == {(PROCESSING, job)}


def test_a_schema_that_cannot_be_read_keeps_the_bulk(stage: Stage) -> None:
    job = Job("aa_1", BEGIN)
    stage.fail("metadata-schemas/customer", says(500))
    [outcome] = stage.sink().send([replace(upsert(metadata={"a": 1}), job=job)])
    assert (outcome.happened, outcome.job) == (PROCESSING, job)


def test_a_429_to_a_look_pauses_everybody_and_keeps_the_bulk(stage: Stage) -> None:
    sink, parcels = stage.sink(), upserts(5)
    [job] = {one.job for one in sink.send(parcels)}
    stage.on_jobs(says(429, Retry_After="30", X_Rate_Limit_Retry=""))
    outcomes = sink.send([replace(one, job=job) for one in parcels])
    assert {(one.happened, one.job, one.pause) for one in outcomes} == {(PROCESSING, job, 30.0)}


def test_a_429_to_a_look_that_names_no_time_pauses_everybody_all_the_same(stage: Stage) -> None:
    sink, parcels = stage.sink(), upserts(5)
    [job] = {one.job for one in sink.send(parcels)}
    stage.on_jobs(says(429, Retry_After="0", X_Rate_Limit_Retry="30"))
    assert {one.pause for one in sink.send([replace(one, job=job) for one in parcels])} == {10.0}


def test_the_last_call_of_a_window_spent_on_a_bulk(stage: Stage) -> None:
    stage.fail(BULK, adds(X_Rate_Limit_Remaining="0", X_Rate_Limit_Retry=f"{BEGIN + 9:.0f}"))
    outcomes = stage.sink().send(upserts(5))
    assert happened(outcomes) == [PROCESSING] * 5
    assert {one.pause for one in outcomes} == {9.0}
    assert stage.asked() == [BULK]
