"""Look-up of a custom event in doubt: requests and outcomes."""

import json
from typing import Any

import pytest
from flask import Response

from bridge.delivery.rules.sink import Happened
from bridge.demo.metadata_schemas import metadata_schema
from bridge.demo.voucherify import Call
from bridge.sinks.voucherify import doubt
from tests.sinks.voucherify_stage import BEGIN, Stage, Work, after_the_work, event, identification, says, upsert

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened
LOOK_UP = "GET /v1/customers/anna/activity"
POST = "POST /v1/events"


def test_the_look_up_asks_for_custom_events_since_a_while_before_the_doubt(later: Stage) -> None:
    later.recorded()
    later.send(event(since=BEGIN))
    [asked] = [call.query for call in later.stand_in.calls if "activity" in call.path]
    assert asked == {
        "type": "customer.custom_event",
        "start_date": "2030-03-17T17:41:40.000Z",  # 300 seconds before BEGIN
        "order": "created_at",
        "limit": "100",
    }


def test_all_pages_are_looked_at(later: Stage) -> None:
    for number in range(250):
        later.recorded(name=f"Other {number}", bridge_id=str(number))
    later.recorded(bridge_id=identification(event()))
    assert later.send(event(since=BEGIN))[0].happened is DELIVERED
    assert later.asked() == [LOOK_UP] * 3


def test_a_page_whose_cursor_is_its_last_activity(later: Stage) -> None:
    def without_cursor(_: Call, work: Work) -> Response:
        page = work().get_json()
        page.pop("more_starting_after", None)
        return Response(json.dumps(page), mimetype="application/json")

    for number in range(120):
        later.recorded(name=f"Other {number}", bridge_id=str(number))
    later.recorded(bridge_id=identification(event()))
    later.fail(LOOK_UP, without_cursor)
    assert later.send(event(since=BEGIN))[0].happened is DELIVERED


def test_more_activities_than_anybody_can_look_at_leave_it_uncertain(later: Stage) -> None:
    page = {"object": "list", "data_ref": "data", "data": [], "has_more": True, "more_starting_after": "evcus_1"}
    later.fail(LOOK_UP, says(200, page))
    assert later.send(event(since=BEGIN))[0].happened is UNCERTAIN
    assert later.asked() == [LOOK_UP] * doubt.PAGES


class TestOneLikeItWithoutIdentification:
    @pytest.mark.parametrize(
        ("kept", "expected"),
        [
            pytest.param({"plan": "gold", "seats": 3}, UNCERTAIN, id="the same metadata"),
            pytest.param({"plan": "gold"}, UNCERTAIN, id="what a schema may have kept of it"),
            pytest.param({}, UNCERTAIN, id="nothing was kept"),
            pytest.param({"plan": "silver"}, DELIVERED, id="other metadata"),
            pytest.param({"plan": "gold", "seats": 3, "more": 1}, DELIVERED, id="more metadata"),
            pytest.param(
                {"plan": "gold", "seats": 3, "bridge_id": "another"}, DELIVERED, id="another's identification"
            ),
        ],
    )
    def test_its_metadata_says_whether_it_may_be_ours(
        self, later: Stage, kept: dict[str, Any], expected: Happened
    ) -> None:
        later.recorded(**kept)
        assert later.send(event(since=BEGIN, plan="gold", seats=3))[0].happened is expected

    def test_one_before_the_doubt_is_not_ours(self, later: Stage) -> None:
        later.recorded(at=BEGIN - 400)
        assert later.send(event(since=BEGIN))[0].happened is DELIVERED

    def test_ours_is_found_among_them(self, later: Stage) -> None:
        later.recorded()
        later.recorded(bridge_id=identification(event()))
        assert later.send(event(since=BEGIN))[0].happened is DELIVERED
        assert later.asked() == [LOOK_UP]

    def test_a_schema_that_admits_no_identification(self, later: Stage) -> None:
        later.project.schemas["event"] = metadata_schema("event", {"plan": "string"}, defined_only=True)
        sink = later.sink()
        later.fail(POST, after_the_work(says(500)))
        [first] = sink.send([event(plan="gold")])
        later.stand_in.fault = None
        [second] = sink.send([event(since=later.clock.at, plan="gold")])
        assert (first.happened, second.happened) == (UNKNOWN, UNCERTAIN)
        assert "bridge_id (not in the schema)" in first.detail

    def test_a_schema_that_admits_none_any_more_hides_nothing(self, later: Stage) -> None:
        later.recorded(bridge_id=identification(event()))
        later.project.schemas["event"] = metadata_schema("event", {}, defined_only=True)
        assert later.send(event(since=BEGIN))[0].happened is DELIVERED
        assert later.asked() == [LOOK_UP]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(400, UNCERTAIN, id="400"),
        pytest.param(403, UNCERTAIN, id="403: keys that may not look"),
        pytest.param(404, UNCERTAIN, id="404 that does not say who is not there"),
        pytest.param(409, UNCERTAIN, id="409"),
        pytest.param(401, FORBIDDEN, id="401"),
        pytest.param(402, FORBIDDEN, id="402"),
        pytest.param(429, THROTTLED, id="429"),
        pytest.param(408, FAILED, id="408"),
        pytest.param(500, FAILED, id="500"),
        pytest.param(503, FAILED, id="503"),
        pytest.param(302, FAILED, id="302"),
    ],
)
def test_a_failed_look_up_sends_nothing(later: Stage, status: int, expected: Happened) -> None:
    later.fail(LOOK_UP, says(status))
    assert later.send(event(since=BEGIN))[0].happened is expected
    assert "POST /v1/events" not in later.asked()


def test_a_look_up_without_an_answer_sends_nothing(later: Stage) -> None:
    later.fail(LOOK_UP, later.never)
    assert later.send(event(since=BEGIN), call=0.3)[0].happened is FAILED
    assert later.asked() == [LOOK_UP]


@pytest.mark.parametrize("source_id", ["a/b", "a?b#c", "ä%2F", "../x", "a b", "..."])
def test_a_customer_of_any_name_is_looked_up(later: Stage, source_id: str) -> None:
    parcel = event(source_id, since=BEGIN)
    later.recorded(source_id, bridge_id=identification(parcel))
    [outcome] = later.send(parcel)
    assert len(later.project.events) == 1
    assert outcome.happened is DELIVERED


@pytest.mark.parametrize("source_id", [".", ".."])
def test_a_customer_whose_activity_has_no_address_leaves_it_uncertain(later: Stage, source_id: str) -> None:
    assert later.send(event(source_id, since=BEGIN))[0].happened is UNCERTAIN
    assert later.asked() == []


def test_others_do_not_wait_for_one_in_doubt(later: Stage) -> None:
    later.fail(LOOK_UP, says(500))
    outcomes = later.send(event("anna", since=BEGIN), event("boris"), upsert("carla"))
    assert [one.happened for one in outcomes] == [FAILED, DELIVERED, DELIVERED]
