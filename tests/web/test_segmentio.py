"""Doors of Segment's destination, in one process: paths, keys, answers."""

from base64 import b64encode
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from bridge.settings import Settings
from bridge.web import create_app

APP_ID, SECRET_KEY = "app-id", "sécret"
NOWHERE = "http://127.0.0.1:9"
HEADERS = {
    "Authorization": f"Basic {b64encode(APP_ID.encode()).decode()}",
    "Secret-Key": b64encode(SECRET_KEY.encode()).decode(),
}
IDENTIFY = {"source_id": "anna-1", "type": "identify"}
NEEDED = {"VOUCHERIFY_APP_ID": APP_ID, "VOUCHERIFY_SECRET_KEY": SECRET_KEY}
OTHER = {"SEGMENT_WRITE_KEY": "key", "VOUCHERIFY_WEBHOOK_SECRET": "secret"}


@pytest.fixture
def environment(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*NEEDED, *OTHER):
        monkeypatch.delenv(name, raising=False)
    given = {"BRIDGE_DATABASE_URL": sqlite_url, "BRIDGE_WORKER": "external", "VOUCHERIFY_API_URL": NOWHERE}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def client(environment: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    for name, value in NEEDED.items():
        environment.setenv(name, value)
    app = create_app(Settings.from_env())
    yield app.test_client()
    app.extensions["bridge"].close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/segmentio/customer-processing", 200, id="as it is"),
        pytest.param("//segmentio/customer-processing", 200, id="a slash before it"),
        pytest.param("///segmentio//customer-processing", 200, id="slashes around it"),
        pytest.param("/segmentio/segmentio/customer-processing", 200, id="segmentio twice"),
        pytest.param("//segmentio//segmentio/customer-processing", 200, id="segmentio twice, with slashes"),
        pytest.param("/segmentio/customer-processing/", 200, id="a slash behind it"),
        pytest.param("//segmentio//customer-processing//", 200, id="slashes everywhere"),
        pytest.param("/segmentiocustomer-processing", 404, id="no slash between"),
        pytest.param("/other/segmentio/customer-processing", 404, id="another path before it"),
        pytest.param("/customer-processing", 404, id="no segmentio"),
    ],
)
def test_a_path_is_read_as_it_was_meant_and_never_redirected(path: str, status: int, client: FlaskClient) -> None:
    environ = {"PATH_INFO": path, "RAW_URI": path, "REQUEST_URI": path}

    response = client.post("/", json=IDENTIFY, headers=HEADERS, environ_overrides=environ)

    assert response.status_code == status


def test_what_is_stored_is_answered_with_its_id(client: FlaskClient) -> None:
    answer = client.post("/segmentio/customer-processing", json=IDENTIFY, headers=HEADERS).get_json()

    assert answer == {"status": "stored", "id": answer["id"]}
    assert len(answer["id"]) == 26


def test_what_is_wrong_with_a_call_is_said_of_every_field_and_repeats_nothing_of_it(client: FlaskClient) -> None:
    call = {"source_id": [4711, 4712], "email": {"work": "anna@example.com"}}

    response = client.post("/segmentio/customer-processing", json=call, headers=HEADERS)

    assert response.status_code == 400
    error = response.get_json()["error"]
    assert error["fields"] == {"source_id": "Not a text.", "email": "Not a text.", "type": "Missing."}
    assert "4711" not in response.text
    assert "anna" not in response.text


def test_a_voucherify_that_is_not_there_is_a_bad_gateway(client: FlaskClient) -> None:
    response = client.get("/segmentio/test-authentication", headers=HEADERS)

    assert (response.status_code, response.get_json()["error"]["code"]) == (502, "bad_gateway")


def test_where_the_direction_is_off_there_is_no_door(environment: pytest.MonkeyPatch) -> None:
    for name, value in OTHER.items():
        environment.setenv(name, value)
    app = create_app(Settings.from_env())

    response = app.test_client().post("/segmentio/customer-processing", json=IDENTIFY, headers=HEADERS)

    assert response.status_code == 404
    app.extensions["bridge"].close()
