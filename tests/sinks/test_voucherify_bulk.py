"""Bulk upserts: few calls, and an outcome for each customer."""

import json
from itertools import pairwise
from typing import Any

import pytest

from bridge.delivery.rules.sink import Happened, Outcome
from bridge.sinks.voucherify import bulk
from tests.sinks.voucherify_stage import BEGIN, Stage, changes, event, happened, upsert, upserts

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, UNKNOWN, UNCERTAIN = Happened
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


def test_polls_come_at_growing_pauses(stage: Stage) -> None:
    stage.project.polls = 6
    assert set(happened(stage.send(*upserts(5)))) == {DELIVERED}
    at = [call.at for call in stage.stand_in.calls if "metadata-schemas" not in call.path]
    assert [later - earlier for earlier, later in pairwise(at)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_bulk_that_is_not_done_in_time_is_unknown(stage: Stage) -> None:
    stage.project.polls = 1_000
    sink = stage.sink()
    outcomes = sink.send(upserts(5))
    assert happened(outcomes) == [UNKNOWN] * 5
    assert "aa_" in outcomes[0].detail
    assert stage.clock.at - BEGIN < sink.patience


def test_a_slow_bulk_leaves_time_for_what_is_sent_with_it(stage: Stage) -> None:
    stage.project.polls = 1_000
    assert happened(stage.send(*upserts(5), event())) == [UNKNOWN] * 5 + [DELIVERED]
    assert stage.clock.at - BEGIN <= 15.0, "half of the 30 seconds"


def test_one_in_doubt_never_overtakes_the_bulk_that_it_may_be_in(stage: Stage) -> None:
    stage.project.polls = 1_000
    sink = stage.sink()
    assert set(happened(sink.send([upsert("anna", name="old"), *upserts(5)]))) == {UNKNOWN}
    stage.project.polls = 1
    [outcome] = sink.send([upsert("anna", {"name": "new"}, name="old", since=BEGIN)])
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
