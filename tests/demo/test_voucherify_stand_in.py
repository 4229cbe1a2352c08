"""The stand-in behaves like Voucherify's API, in the parts that the bridge uses."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Response
from flask.testing import FlaskClient

from bridge.demo.metadata_schemas import metadata_schema
from bridge.demo.voucherify import Call, VoucherifyStandIn, answer
from bridge.demo.voucherify_project import Project
from tests.demo.contract import Contract, shared

KEYS = {"X-App-Id": "app", "X-App-Token": "secret"}
BEGIN = 1_900_000_000.0


class Clock:
    at = BEGIN

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract(shared())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> VoucherifyStandIn:
    made = VoucherifyStandIn("app", "secret", Project(clock=clock), clock=clock)
    made.limit.clock = clock
    return made


@pytest.fixture
def api(stand_in: VoucherifyStandIn, contract: Contract) -> Iterator[FlaskClient]:
    client = contract.watch(stand_in.app()).test_client()
    client.environ_base |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in KEYS.items()}
    yield client
    problems, contract.problems = contract.problems, []
    assert not problems


def test_a_customer_is_created_then_changed(api: FlaskClient, stand_in: VoucherifyStandIn) -> None:
    for body in (
        {"source_id": "anna", "name": "Anna", "email": "a@example.com", "metadata": {"a": 1, "b": 2}},
        {"source_id": "anna", "name": None, "address": {"city": "Wien"}, "metadata": {"b": None, "c": 3}},
    ):
        assert api.post("/v1/customers", json=body).status_code == 200
    assert stand_in.project.customers == {
        "anna": {
            "source_id": "anna", "email": "a@example.com", "address": {"city": "Wien"}, "metadata": {"a": 1, "c": 3}
        }
    }  # fmt: skip
    listed = api.get("/v1/customers?limit=1").get_json()
    assert [one["source_id"] for one in listed["customers"]] == ["anna"]


@pytest.mark.parametrize(
    ("path", "body", "details"),
    [
        pytest.param("customers", {"name": "x"}, "source_id is required", id="a customer without a source_id"),
        pytest.param("customers", {"source_id": ""}, "source_id is required", id="an empty source_id"),
        pytest.param("customers", ["x"], "an object is required", id="a customer that is none"),
        pytest.param("customers", {"source_id": "zoe"}, "blocked", id="a customer that is not wanted"),
        pytest.param("customers", {"source_id": "a", "metadata": {"x": 1}}, "x: is not defined", id="undefined"),
        pytest.param("customers", {"source_id": "a", "metadata": {"age": "1"}}, "age: must be", id="of another type"),
        pytest.param(
            "customers", {"source_id": "a", "metadata": {"age": True}}, "age: must be", id="true is no number"
        ),
        pytest.param("customers/bulk/async", {"source_id": "a"}, "an array", id="a bulk that is no array"),
        pytest.param("events", {"customer": {"source_id": "a"}}, "event must be", id="an event without a name"),
        pytest.param("events", {"event": "x" * 301, "customer": {"source_id": "a"}}, "300", id="too long a name"),
        pytest.param("events", {"event": "x"}, "source_id is required", id="an event without a customer"),
    ],
)
def test_an_invalid_call_is_rejected_and_changes_nothing(
    api: FlaskClient, stand_in: VoucherifyStandIn, path: str, body: Any, details: str
) -> None:
    stand_in.project.unwanted["zoe"] = "blocked"
    stand_in.project.schemas["customer"] = metadata_schema("customer", {"age": "number"}, defined_only=True)
    answer = api.post(f"/v1/{path}", json=body)
    assert answer.status_code == 400
    assert details in answer.get_json()["details"]
    assert answer.get_json().keys() == {"code", "key", "message", "details", "request_id"}
    assert not stand_in.project.customers
    assert not stand_in.project.events


@pytest.mark.parametrize("wrong", [{"X-App-Id": "x"}, {"X-App-Token": "x"}, {"X-App-Token": ""}])
def test_wrong_keys_are_rejected(api: FlaskClient, stand_in: VoucherifyStandIn, wrong: dict[str, str]) -> None:
    assert api.get("/v1/customers", headers=wrong).status_code == 401
    assert len(stand_in.calls) == 1


@pytest.mark.parametrize(
    "path", ["async-actions/aa_1", "metadata-schemas/customer", "customers/anna/activity", "nowhere"]
)
def test_a_missing_object_is_not_found(api: FlaskClient, path: str) -> None:
    answer = api.get(f"/v1/{path}")
    assert (answer.status_code, answer.get_json()["key"]) == (404, "not_found")


def test_a_schema_is_returned(api: FlaskClient, stand_in: VoucherifyStandIn) -> None:
    stand_in.project.schemas["event"] = metadata_schema("event", {"plan": "string"}, defined_only=True)
    told = api.get("/v1/metadata-schemas/event").get_json()
    assert (told["properties"]["plan"]["type"], told["allow_defined_only"]) == ("string", True)


class TestBulk:
    def test_a_job_is_done_after_enough_polls(self, api: FlaskClient, stand_in: VoucherifyStandIn) -> None:
        stand_in.project.polls, stand_in.project.unwanted = 2, {"zoe": "blocked"}
        bodies = [{"source_id": "anna"}, {"source_id": "zoe"}]
        queued = api.post("/v1/customers/bulk/async", json=bodies)
        assert queued.status_code == 202
        path = f"/v1/async-actions/{queued.get_json()['async_action_id']}"
        jobs = [api.get(path).get_json() for _ in range(3)]
        assert [job["status"] for job in jobs] == ["IN_PROGRESS", "IN_PROGRESS", "DONE"]
        result = jobs[-1]["result"]
        assert (result["done_count"], result["failed_count"]) == (1, 1)
        assert [(one["source_id"], one["details"]) for one in result["errors"]] == [("zoe", "blocked")]
        assert list(stand_in.project.customers) == ["anna"]

    def test_jobs_are_done_in_their_order(self, api: FlaskClient, stand_in: VoucherifyStandIn) -> None:
        stand_in.project.polls = 0
        jobs = [
            api.post("/v1/customers/bulk/async", json=[{"source_id": "anna", "name": name}]).get_json()
            for name in ("first", "second", "third")
        ]
        api.get(f"/v1/async-actions/{jobs[1]['async_action_id']}")
        assert stand_in.project.customers["anna"]["name"] == "second"
        stand_in.project.work_off()
        assert stand_in.project.customers["anna"]["name"] == "third"

    def test_a_body_over_10_mb_is_rejected(self, api: FlaskClient) -> None:
        body = [{"source_id": "anna", "name": "x" * 10_485_760}]
        assert api.post("/v1/customers/bulk/async", json=body).status_code == 413


class TestActivity:
    @pytest.fixture(autouse=True)
    def _happened(self, api: FlaskClient, clock: Clock) -> None:
        for number in range(5):
            clock.at = BEGIN + number
            body = {"event": f"E{number}", "customer": {"source_id": "a/b"}, "metadata": {"n": number}}
            assert api.post("/v1/events", json=body).status_code == 200
        api.post("/v1/customers", json={"source_id": "a/b", "name": "A"})

    @staticmethod
    def names(api: FlaskClient, **query: str) -> list[str]:
        page = api.get("/v1/customers/a%2Fb/activity", query_string=query).get_json()
        return [one["data"]["data"].get("event", {}).get("type", one["type"]) for one in page["data"]]

    def test_activities_are_newest_first_by_default(self, api: FlaskClient) -> None:
        assert self.names(api) == ["customer.updated", "E4", "E3", "E2", "E1", "E0"]
        assert self.names(api, order="created_at") == ["E0", "E1", "E2", "E3", "E4", "customer.updated"]

    def test_of_one_type_and_since_a_time(self, api: FlaskClient) -> None:
        since = {"type": "customer.custom_event", "start_date": "2030-03-17T17:46:43.000Z"}
        assert self.names(api, **since) == ["E4", "E3"]

    def test_page_by_page(self, api: FlaskClient) -> None:
        path, query = "/v1/customers/a%2Fb/activity", {"limit": "4", "order": "created_at"}
        first = api.get(path, query_string=query).get_json()
        assert (len(first["data"]), first["has_more"]) == (4, True)
        second = api.get(path, query_string=query | {"starting_after_id": first["more_starting_after"]}).get_json()
        assert (len(second["data"]), second["has_more"]) == (2, False)
        assert {one["id"] for one in first["data"]}.isdisjoint(one["id"] for one in second["data"])

    def test_an_event_is_shown_with_its_metadata(self, api: FlaskClient) -> None:
        [event] = api.get("/v1/customers/a%2Fb/activity?limit=1&type=customer.custom_event").get_json()["data"]
        assert event["data"]["data"]["event"]["metadata"] == {"n": 4}


class TestLimit:
    def test_every_response_has_the_limit(self, api: FlaskClient) -> None:
        for path in ("/v1/customers", "/v1/async-actions/no", "/v1/nowhere"):
            headers = api.get(path).headers
            assert (headers["X-Rate-Limit-Limit"], headers["X-Rate-Limit-Remaining"]) == ("2000", "2000")

    def test_calls_over_the_limit_are_rejected_until_the_next_window(
        self, api: FlaskClient, stand_in: VoucherifyStandIn, clock: Clock
    ) -> None:
        stand_in.limit.calls = 2
        answers = []
        for _ in range(3):
            answers.append(api.get("/v1/customers"))
            clock.at += 10
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert [one.headers["X-Rate-Limit-Remaining"] for one in answers] == ["1", "0", "0"]
        assert {one.headers["X-Rate-Limit-Retry"] for one in answers} == {f"{BEGIN + 60:.0f}"}
        assert answers[2].headers["Retry-After"] == "40"
        assert "Retry-After" not in answers[1].headers
        clock.at += 40
        assert api.get("/v1/customers").status_code == 200


def test_calls_are_recorded_in_the_order_of_arrival(api: FlaskClient, stand_in: VoucherifyStandIn) -> None:
    api.get("/v1/customers?limit=3")
    api.post("/v1/customers", json={"source_id": "anna"})
    assert [(call.method, call.path, dict(call.query), call.body) for call in stand_in.calls] == [
        ("GET", "/v1/customers", {"limit": "3"}, None),
        ("POST", "/v1/customers", {}, {"source_id": "anna"}),
    ]


@pytest.mark.parametrize("works", [True, False], ids=["after the work", "instead of it"])
def test_a_fault_may_respond(api: FlaskClient, stand_in: VoucherifyStandIn, works: bool) -> None:  # noqa: FBT001 - a row
    def fault(_: Call, work: Callable[[], Response]) -> Response:
        if works:
            work()
        return answer({"code": 500, "message": "Scripted"}, 500)

    stand_in.fault = fault
    assert api.post("/v1/customers", json={"source_id": "anna"}).status_code == 500
    assert bool(stand_in.project.customers) is works
