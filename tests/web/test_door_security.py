"""Security suite that every door inherits.

A new row of ``DOORS`` needs a row of ``SENDERS``, and no test.
"""

import gzip
import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse, create_environ
from werkzeug.wrappers import Response

from bridge import credentials, signature
from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import messages
from bridge.demo import calls
from bridge.doors import (
    ACTIONS,
    BATCH,
    DOORS,
    SEGMENT,
    SEGMENT_DESTINATION,
    SEGMENT_WEBHOOKS,
    TRACKING,
    TRACKING_API,
    VOUCHERIFY,
    VOUCHERIFY_WEBHOOKS,
)
from bridge.settings import Settings, ToSegment, ToVoucherify
from bridge.web import create_app
from bridge.write_keys import WriteKey
from tests.delivery.arrivals import count, rows
from tests.webhooks import encode, redemption, webhook

SECRETS = {
    name: f"the-{name}-of-this-test"
    for name in ("webhook-secret", "app-id", "secret-key", "write-key", "shared-secret", "segment-key")
}
PERSON = {"source_id": "anna-4711", "email": "anna@example.com"}
LIMIT = 100_000
JSON = "application/json"

Headers = Mapping[str, str]
Make = Callable[..., Flask]


@dataclass(frozen=True)
class Sender:
    """What a door accepts, and what it refuses.

    Attributes:
        proves: the headers that prove the sender of a body.
        wrong: by name, headers that do not.
        success: the status of the answer when a message is stored.
        types: the content types that the door accepts, among ``CONTENT_TYPES``.
        bomb: the status of the answer to a bomb of gzip.
    """

    proves: Callable[[bytes], Headers]
    wrong: Mapping[str, Callable[[bytes], Headers]]
    success: int = 200
    types: Sequence[str] = (JSON,)
    bomb: int = 400


def basic(user: str, password: str = "") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


CONTENT_TYPES = (JSON, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", "")

KEYS = calls.credentials(SECRETS["app-id"], SECRETS["secret-key"])
MADE_UP = "made-up"


def signed(sign: Callable[[bytes, str], str], header: str, secret: str) -> Callable[[bytes], Headers]:
    return lambda body: {header: sign(body, secret)}


def wrong_signatures(sign: Callable[[bytes, str], str], header: str, secret: str) -> dict[str, Any]:
    return {
        "none": lambda _: {},
        "empty": lambda _: {header: ""},
        "zeros": lambda body: {header: "0" * len(sign(body, secret))},
        "cut": lambda body: {header: sign(body, secret)[:-1]},
        "upper case": lambda body: {header: sign(body, secret).upper()},
        "not hex": lambda body: {header: "z" * len(sign(body, secret))},
        "not ASCII": lambda body: {header: "é" * len(sign(body, secret))},
        "another secret": lambda body: {header: sign(body, MADE_UP)},
        "another body": lambda body: {header: sign(body + b" {}", secret)},
        "the secret itself": lambda _: {header: secret},
    }


SENDERS: Mapping[str, Sender] = {
    VOUCHERIFY_WEBHOOKS: Sender(
        signed(signature.sign, signature.HEADER, SECRETS["webhook-secret"]),
        wrong_signatures(signature.sign, signature.HEADER, SECRETS["webhook-secret"]),
        success=202,
        types=CONTENT_TYPES,  # Voucherify switches a webhook off that is answered 415
        bomb=202,  # it is signed, so it is stored as it came: never unpacked
    ),
    SEGMENT_DESTINATION: Sender(
        lambda _: KEYS,
        {
            "none": lambda _: {},
            "empty": lambda _: {"Authorization": "", "Secret-Key": ""},
            "no Secret-Key": lambda _: {"Authorization": KEYS["Authorization"]},
            "no Authorization": lambda _: {"Secret-Key": KEYS["Secret-Key"]},
            "another Secret Key": lambda _: calls.credentials(SECRETS["app-id"], MADE_UP),
            "another Application ID": lambda _: calls.credentials(MADE_UP, SECRETS["secret-key"]),
            "the wrong way round": lambda _: calls.credentials(SECRETS["secret-key"], SECRETS["app-id"]),
            "no scheme": lambda _: {**KEYS, "Authorization": KEYS["Authorization"].removeprefix("Basic ")},
            "not in base64": lambda _: {**KEYS, "Secret-Key": SECRETS["secret-key"]},
            "not ASCII": lambda _: {**KEYS, "Secret-Key": "é"},
        },
    ),
    TRACKING_API: Sender(
        lambda _: basic(SECRETS["write-key"]),
        {
            "none": lambda _: {},
            "another key": lambda _: basic(MADE_UP),
            "the key as a password": lambda _: basic("", SECRETS["write-key"]),
            "another scheme": lambda _: {"Authorization": f"Bearer {SECRETS['write-key']}"},
            "not in base64": lambda _: {"Authorization": f"Basic {SECRETS['write-key']}:"},
            "not ASCII": lambda _: {"Authorization": "Basic é"},
            "cut": lambda _: basic(SECRETS["write-key"][:-1]),
        },
        types=(JSON, "text/plain"),  # as which browsers may send JSON
        bomb=413,
    ),
    SEGMENT_WEBHOOKS: Sender(
        signed(credentials.sign, "X-Signature", SECRETS["shared-secret"]),
        wrong_signatures(credentials.sign, "X-Signature", SECRETS["shared-secret"])
        | {"the secret as a password": lambda _: basic("", SECRETS["shared-secret"])},
    ),
}
"""Senders by stem."""


def bodies() -> Iterator[tuple[str, Any]]:
    """Return accepted bodies by path, each with personal data."""
    event = {"userId": PERSON["source_id"], "event": "Paid", "traits": PERSON, "properties": PERSON, "type": "track"}
    yield VOUCHERIFY, webhook("redemption.succeeded", redemption(customer=PERSON))
    yield SEGMENT, event
    for path in ACTIONS:
        call = {"customer": PERSON, **PERSON, "event": "Paid", "group_id": "g", "type": "t"}
        yield path, call
    for path, kind in TRACKING.items():
        yield path, {"batch": [event]} if kind == BATCH else event | {"groupId": "g", "previousId": "p"}


BODIES: Mapping[str, bytes] = {path: encode(value) for path, value in bodies()}

every_door = pytest.mark.parametrize("path", DOORS)


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    made: list[Flask] = []

    def app(database_url: str = sqlite_url) -> Flask:
        settings = Settings(
            to_segment=ToSegment(SECRETS["segment-key"], "http://127.0.0.1:9", False, (SECRETS["webhook-secret"],)),  # noqa: FBT003 - whether it compresses
            to_voucherify=ToVoucherify(
                SECRETS["app-id"],
                SECRETS["secret-key"],
                None,
                (WriteKey(SECRETS["write-key"]),),
                (SECRETS["shared-secret"],),
            ),
            voucherify_url="http://127.0.0.1:9",
            database_url=database_url,
            embedded_worker=False,
            max_body_bytes=LIMIT,
            max_age=86_400.0,
        )
        made.append(create_app(settings))
        return made[-1]

    yield app
    for one in made:
        one.extensions["bridge"].close()


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """Check that no test of this module logs a secret or personal data."""
    with capture_logs() as lines:
        yield lines
    assert_no_leak(str(lines))


def assert_no_leak(said: str) -> None:
    for secret in (*SECRETS.values(), *KEYS.values(), *PERSON.values(), "Traceback", 'File "'):
        assert secret not in said


def sender(path: str) -> Sender:
    return SENDERS[DOORS[path].stem]


def post(client: FlaskClient, path: str, body: bytes, headers: Headers, content_type: str = JSON) -> TestResponse:
    return client.post(f"/{path}", data=body, headers={"Content-Type": content_type, **headers})


def refused(response: Response, status: int, code: str) -> None:
    """Check the status and form of an error."""
    assert (response.status_code, response.mimetype) == (status, JSON)
    answer = json.loads(response.get_data())
    assert answer.keys() == {"error"}
    assert answer["error"].keys() == {"code", "message", "fields"}
    assert answer["error"]["code"] == code
    assert_no_leak(response.get_data(as_text=True) + str(response.headers))


def test_every_door_has_a_sender_and_a_body() -> None:
    assert SENDERS.keys() == {door.stem for door in DOORS.values()}
    assert BODIES.keys() == DOORS.keys()


@every_door
def test_what_the_door_takes_is_stored_as_it_came(client: FlaskClient, stored: Database, path: str) -> None:
    body = BODIES[path]
    assert post(client, path, body, sender(path).proves(body)).status_code == sender(path).success
    assert [unpack(row["body"]) for row in rows(stored, messages)] == [body]


# Method and content type


@every_door
def test_another_method_is_refused(client: FlaskClient, stored: Database, path: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        response = client.open(f"/{path}", method=method, data=BODIES[path], headers=sender(path).proves(BODIES[path]))
        refused(response, 405, "method_not_allowed")
        assert "POST" in response.headers["Allow"]
    assert count(stored, messages) == 0


@every_door
def test_another_content_type_is_refused(client: FlaskClient, stored: Database, path: str) -> None:
    body = BODIES[path]
    for content_type in CONTENT_TYPES:
        before = count(stored, messages)
        response = post(client, path, body, sender(path).proves(body), content_type)
        if content_type in sender(path).types:
            assert response.status_code == sender(path).success
        else:
            refused(response, 415, "unsupported_media_type")
            assert count(stored, messages) == before


# Size


@every_door
def test_a_body_over_the_limit_is_refused(client: FlaskClient, stored: Database, path: str) -> None:
    body = BODIES[path] + b" " * LIMIT
    refused(post(client, path, body, sender(path).proves(body)), 413, "request_entity_too_large")
    assert count(stored, messages) == 0


class Endless:
    """A body without an end, of which few megabytes may be read."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "all of it at once"
        self.taken += size
        assert self.taken < 10 * LIMIT, "it does not stop"
        return b"x" * size


class Broken(io.RawIOBase):
    """A body with a broken chunk."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise self._error


def arrive(client: FlaskClient, path: str, body: Any, **environment: Any) -> Response:
    headers = sender(path).proves(BODIES[path])
    environ = create_environ(f"/{path}", method="POST", content_type=JSON, headers=dict(headers))
    environ.pop("CONTENT_LENGTH", None)
    return Response.from_app(client.application, environ | {"wsgi.input": body, **environment})


@every_door
def test_a_body_without_a_length_is_read_no_further_than_the_limit(client: FlaskClient, path: str) -> None:
    refused(arrive(client, path, Endless(), **{"wsgi.input_terminated": True}), 413, "request_entity_too_large")


@pytest.mark.parametrize(
    "body",
    [io.BytesIO(b'{"data'), Broken(OSError("no chunk")), Broken(RuntimeError("no chunk"))],
    ids=["too short", "broken", "broken otherwise"],
)
@every_door
def test_a_body_that_does_not_arrive_whole_is_refused(
    client: FlaskClient, stored: Database, path: str, body: io.IOBase
) -> None:
    refused(arrive(client, path, body, CONTENT_LENGTH="100"), 400, "bad_request")
    assert count(stored, messages) == 0


@every_door
def test_a_bomb_of_gzip_is_never_unpacked_beyond_the_limit(client: FlaskClient, stored: Database, path: str) -> None:
    bomb = gzip.compress(b" " * 100 * LIMIT)
    assert len(bomb) < LIMIT
    response = post(client, path, bomb, {**sender(path).proves(bomb), "Content-Encoding": "gzip"})
    assert response.status_code == sender(path).bomb
    assert_no_leak(response.get_data(as_text=True))
    assert [unpack(row["body"]) for row in rows(stored, messages)] == ([bomb] if response.status_code < 300 else [])


# Credentials


@every_door
def test_wrong_credentials_are_refused_and_counted_before_the_database_is_used(make: Make, path: str) -> None:
    client = make().test_client()
    bridge = client.application.extensions["bridge"]
    bridge.crew.stop()  # the keeper uses the database, and stores the refusals
    bridge.refusals.take()

    def reached(*_: Any, **__: Any) -> None:
        pytest.fail("at the database")

    bridge.database.writing = bridge.database.reading = reached
    times = 0
    for body in (BODIES[path], b"{", b"\xff", b""):
        for headers in sender(path).wrong.values():
            refused(post(client, path, body, headers(body)), 401, "unauthorized")
            times += 1
    assert bridge.refusals.take() == {DOORS[path].direction: times}


# Errors of the bridge


@every_door
def test_a_lost_database_is_a_503(make: Make, path: str) -> None:
    client = make("postgresql://bridge@127.0.0.1:9/none").test_client()
    body = BODIES[path]
    refused(post(client, path, body, sender(path).proves(body)), 503, "unavailable")


@every_door
def test_a_table_that_is_gone_is_a_503(client: FlaskClient, sqlite_url: str, path: str) -> None:
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE pending"))
    engine.dispose()
    body = BODIES[path]
    refused(post(client, path, body, sender(path).proves(body)), 503, "unavailable")


@every_door
def test_an_unexpected_error_is_answered_and_logged_without_its_text(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str, logs: list[Any]
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError(" ".join((*SECRETS.values(), *PERSON.values())))

    monkeypatch.setattr("bridge.intake.receiving.Receiver.store", fail)
    body = BODIES[path]
    refused(post(client, path, body, sender(path).proves(body)), 500, "internal_server_error")
    assert "RuntimeError" in str(logs)


@every_door
def test_a_body_that_means_nothing_is_answered_without_its_content(client: FlaskClient, path: str) -> None:
    for body in (
        encode(PERSON),
        encode({"customer": PERSON, "batch": PERSON}),
        json.dumps([PERSON]).encode(),
        b'{"' + b"x" * 9,
    ):
        proof = {**sender(path).proves(body), "X-Bridge-Secret": SECRETS["shared-secret"]}
        response = post(client, path, body, proof)
        assert response.status_code in (sender(path).success, 400, 401)
        assert_no_leak(response.get_data(as_text=True))
