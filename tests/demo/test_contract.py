"""The check against the OpenAPI files detects deviations. Other tests rely on it."""

import json

import pytest
from flask import Flask, Response

from tests.demo.contract import Contract, shared

ACTION = {"id": "aa_1", "status": "DONE", "object": "async_action"}
ERROR = {"code": 400, "key": "x", "message": "x", "details": "x", "request_id": "v-1"}


def problems(path: str, asked: object, answered: object, status: int = 200) -> list[str]:
    contract = Contract(shared())
    app = contract.watch(Flask("any", static_folder=None))
    app.add_url_rule(path, "any", lambda: Response(json.dumps(answered), status, mimetype="application/json"),
                     methods=["GET", "POST"])  # fmt: skip
    headers = {"X-App-Id": "a", "X-App-Token": "b"}
    client = app.test_client()
    client.post(path, json=asked, headers=headers) if asked is not None else client.get(path, headers=headers)
    return contract.problems


@pytest.mark.parametrize(
    ("path", "asked", "answered", "status"),
    [
        pytest.param("/v1/customers/bulk/async", [{"name": "x"}], {"async_action_id": "aa_1"}, 202, id="no source_id"),
        pytest.param("/v1/customers/bulk/async", [{"source_id": "x"}], {"id": "aa_1"}, 202, id="no async_action_id"),
        pytest.param("/v1/customers", {"source_id": 5}, None, 500, id="an error that is null"),
        pytest.param("/v1/events", {"event": "", "customer": {}}, {"object": "event"}, 200, id="an empty event"),
        pytest.param("/v1/async-actions/aa_1", None, ACTION | {"status": "READY"}, 200, id="another status of a job"),
        pytest.param("/v1/metadata-schemas/customer", None, {"properties": {}}, 200, id="half a schema"),
        pytest.param("/v1/customers", {"source_id": "x"}, {"key": "x"}, 418, id="an error without a message"),
    ],
)
def test_a_deviation_from_the_files_is_detected(path: str, asked: object, answered: object, status: int) -> None:
    assert bool(problems(path, asked, answered, status)) is (shared() is not None)


@pytest.mark.parametrize(
    ("path", "asked", "answered", "status"),
    [
        pytest.param("/v1/customers/bulk/async", [{"source_id": "x"}], {"async_action_id": "aa_1"}, 202, id="a bulk"),
        pytest.param("/v1/async-actions/aa_1", None, ACTION, 200, id="a job"),
        pytest.param("/v1/customers", {"source_id": "x", "name": 5}, ERROR, 400, id="a mistake, and a refusal"),
    ],
)
def test_a_response_as_in_the_files_passes(path: str, asked: object, answered: object, status: int) -> None:
    assert problems(path, asked, answered, status) == []


def test_without_the_files_no_deviation_is_detected() -> None:
    assert Contract(None).problems == []
