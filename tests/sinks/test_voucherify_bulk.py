"""Bulk upserts: few calls, and an outcome for each customer."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from flask import Response

from bridge.delivery.rules.sink import Happened, Job, Outcome
from bridge.demo.voucherify import Call
from bridge.sinks.voucherify import bulk
from tests.sinks.voucherify_stage import BEGIN, Stage, Work, changes, event, happened, upsert, upserts

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened
BULK, JOB, ALONE = "POST /v1/customers/bulk/async", "GET /v1/async-actions/", "POST /v1/customers"


@pytest.mark.parametrize("count", [1, bulk.WORTH_IT - 1, bulk.WORTH_IT, 300])
def test_few_are_sent_alone_and_many_together(stage: Stage, count: int) -> None:
    assert happened(stage.send(*upserts(count))) == [DELIVERED] * count
    assert len(stage.asked(BULK)) == (count >= bulk.WORTH_IT)
    assert stage.asked().count(ALONE) == (count if count < bulk.WORTH_IT else 0)
    assert stage.project.customers == {
        f"customer-{number}": {"source_id": f"customer-{number}", "name": f"Customer {number}"}
        for number in range(count)
    }


def test_group_assignments_are_upserts(stage: Stage) -> None:
    assigned = [upsert(f"c{number}", metadata={"group_id": "g1"}) for number in range(3)]
    stage.send(*upserts(3), *assigned)
    assert stage.asked(BULK) == [BULK]
    assert stage.project.customers["c1"]["metadata"] == {"group_id": "g1"}


def test_followers_are_merged_into_the_one_they_follow(stage: Stage) -> None:
    first = upsert(
        "anna", {"email": "a@example.com", "metadata": {"b": 2}}, {"name": None, "metadata": {"a": 3}},
        name="Anna", metadata={"a": 1},
    )  # fmt: skip
    [outcome] = stage.send(first)
    assert outcome.happened is DELIVERED
    assert stage.asked() == [ALONE]
    assert stage.stand_in.calls[-1].body == {
        "source_id": "anna", "name": None, "email": "a@example.com", "metadata": {"a": 3, "b": 2}
    }  # fmt: skip


@pytest.mark.parametrize("source", ["errors", "failed"])
def test_the_outcome_of_each_customer_is_read_back(stage: Stage, source: str) -> None:
    def elsewhere(job: dict[str, Any]) -> None:
        if result := job.get("result"):
            # As in the documentation of older jobs.
            result["failed"] = [{"source_id": one["source_id"], "reason": one["details"]} for one in result["errors"]]
            result["errors"] = []

    if source == "failed":
        stage.on_jobs(changes(elsewhere))
    stage.project.unwanted = {"customer-3": "phone: wrong", "customer-7": "email: wrong"}
    outcomes = stage.send(*upserts(10))
    expected = {3: "phone: wrong", 7: "email: wrong"}
    assert happened(outcomes) == [REJECTED if place in expected else DELIVERED for place in range(10)]
    assert all(expected[place] in outcomes[place].detail for place in expected)
    assert len(stage.asked()) == 3  # the bulk and two polls


def test_looks_come_at_growing_pauses(stage: Stage) -> None:
    stage.project.polls = 9
    assert set(happened(stage.send(*upserts(5)))) == {DELIVERED}
    at = [call.at for call in stage.stand_in.calls if "metadata-schemas" not in call.path]
    assert [later - earlier for earlier, later in pairwise(at)] == [0.5, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_send_never_waits_for_a_bulk(stage: Stage) -> None:
    sink = stage.sink()
    outcomes = sink.send([*upserts(5), event()])
    assert happened(outcomes) == [PROCESSING] * 5 + [DELIVERED]
    assert stage.clock.slept == []
    assert {one.job for one in outcomes[:5]} == {Job(next(iter(stage.project.jobs)), BEGIN)}


def test_the_bulk_is_the_last_call_of_a_send(stage: Stage) -> None:
    # Its id is stored when the send has ended. Until then, a kill would cost the id.
    stage.sink().send([*upserts(5), event("anna"), event("boris")])
    assert stage.asked() == ["POST /v1/events", "POST /v1/events", BULK]


def test_single_calls_leave_a_bulk_its_time(stage: Stage) -> None:
    def slow(_: Call, work: Work) -> Response:
        stage.clock.at += 8.0
        return work()

    stage.fail("POST /v1/events", slow)
    sink = stage.sink()
    outcomes = sink.send([*upserts(5), *(event(f"customer-{number}") for number in range(5, 15))])
    assert happened(outcomes) == [PROCESSING] * 5 + [DELIVERED] * 3 + [UNTRIED] * 7
    assert stage.clock.at - BEGIN < sink.patience


def test_the_end_of_a_bulk_in_progress_is_expected_for_an_hour(stage: Stage) -> None:
    stage.project.polls = 1_000
    outcomes = stage.send(*upserts(5))
    assert happened(outcomes) == [UNKNOWN] * 5
    assert "aa_" in outcomes[0].detail
    assert stage.clock.at - BEGIN == pytest.approx(bulk.LONGEST_BULK_SECONDS, abs=bulk.LONGEST_LOOK_SECONDS)


def test_another_process_looks_at_the_bulk(stage: Stage) -> None:
    parcels = upserts(5)
    [job] = {one.job for one in stage.sink().send(parcels)}
    other = stage.sink()
    looked = [replace(parcel, job=job) for parcel in parcels]
    assert happened(other.send(looked)) == [PROCESSING] * 5
    assert happened(other.send(looked[:2])) == [DELIVERED] * 2, "a part of the customers"
    assert happened(other.send(looked[2:])) == [DELIVERED] * 3
    assert stage.asked(BULK) == [BULK]


def test_two_bulks_are_looked_at_in_one_send(stage: Stage) -> None:
    sink, parcels = stage.sink(), upserts(10)
    jobs = [one.job for half in (parcels[:5], parcels[5:]) for one in sink.send(half)]
    stage.project.work_off()
    assert (
        happened(stage.finish(sink, [replace(one, job=job) for one, job in zip(parcels, jobs, strict=True)]))
        == [DELIVERED] * 10
    )
    assert len(stage.asked(BULK)) == 2


def test_one_in_doubt_never_overtakes_the_bulk_that_it_may_be_in(stage: Stage) -> None:
    stage.project.polls = 1_000
    sink = stage.sink()
    assert set(happened(stage.finish(sink, [upsert("anna", name="old"), *upserts(5)]))) == {UNKNOWN}
    stage.project.polls = 1
    [outcome] = stage.finish(sink, [upsert("anna", {"name": "new"}, name="old", since=BEGIN)])
    stage.project.work_off()
    assert outcome.happened is DELIVERED
    assert stage.project.customers["anna"]["name"] == "new"


def test_no_request_is_larger_than_10_mb(stage: Stage) -> None:
    large = [upsert(f"c{number}", description="x" * 900_000) for number in range(25)]
    assert set(happened(stage.send(*large))) == {DELIVERED}
    sizes = [len(json.dumps(call.body)) for call in stage.stand_in.calls if "bulk" in call.path]
    assert len(sizes) == 3
    assert max(sizes) < 10_000_000


def test_outcomes_come_in_the_order_of_the_parcels(stage: Stage) -> None:
    stage.project.unwanted = {"customer-1": "wrong", "zoe": "wrong"}
    parcels = [event("anna"), *upserts(5), event("zoe")]
    parcels[0], parcels[3] = parcels[3], parcels[0]
    outcomes: list[Outcome] = list(stage.send(*parcels))
    expected = {parcel.lane: DELIVERED for parcel in parcels} | {"customer-1": REJECTED, "zoe": REJECTED}
    assert happened(outcomes) == [expected[parcel.lane] for parcel in parcels]
