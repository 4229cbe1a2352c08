"""The pages about HTTP are what is served."""

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from bridge.web import console, create_app
from bridge.web.doors.waiting import LONGEST_SECONDS, MOST
from bridge.web.openapi import describe
from tests.docs.documents import code, page, table

TOKEN = "a-token-of-the-console"
ANNA = {"userId": "anna-1", "event": "Order Completed"}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[Flask]:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SEGMENT_WRITE_KEY": "write-key",
        "VOUCHERIFY_WEBHOOK_SECRET": "secret",
        "VOUCHERIFY_APP_ID": "app-id",
        "VOUCHERIFY_SECRET_KEY": "secret-key",
        "BRIDGE_WRITE_KEYS": "a-write-key, limited:track:1/h",
        "SEGMENT_WEBHOOK_SECRET": "a-secret",
        "BRIDGE_DATABASE_URL": sqlite_url,
        "BRIDGE_WORKER": "external",
    }.items():
        monkeypatch.setenv(name, value)
    app = create_app()
    yield app
    app.extensions["bridge"].close()


def test_the_table_of_answers_is_what_is_described(app: Flask) -> None:
    described = describe(app)
    schemas = described["components"]["schemas"]
    posted = {path: calls["post"] for path, calls in described["paths"].items() if "post" in calls}
    rows = re.findall(r"^\| `POST (/[^`]+)` \| (\d+) `(.+?)` \| (\d+) `(.+?)`(.*) \|$", page("http"), re.MULTILINE)
    found: set[str] = set()
    for pattern, *codes_and_answers, more in rows:
        status, at_once, status_later, awaited = codes_and_answers
        for path in fnmatch.filter(posted, pattern):
            found.add(path)
            answer = posted[path]["responses"][status]
            shape = answer["content"]["application/json"]["schema"]
            shapes = shape.get("oneOf", [shape])
            names = [one["$ref"].rpartition("/")[2] for one in shapes if "$ref" in one]
            first, last = schemas[names[0]], schemas[names[-1]]
            assert status == status_later
            assert set(first["required"]) == keys(at_once), path
            assert set(last["properties"]) == keys(awaited), path
            assert ("a list" in more) == any(one.get("type") == "array" for one in shapes), path
            assert "Preference-Applied" in answer["headers"]
            assert [one["name"] for one in posted[path]["parameters"]] == ["Prefer"]
    assert found == posted.keys()


def keys(answer: str) -> set[str]:
    """Return the keys of an object as the page writes it."""
    return set(re.findall(r'(?:{|, )"(\w+)"', answer))


def test_the_table_of_paths_is_what_is_served(app: Flask) -> None:
    served = {rule.rule for rule in app.url_map.iter_rules()}
    aliases = re.compile(r"/v1/(?:[a-z]|import)")
    documented = {
        path
        for row in table(page("http"), "| path | caller |")
        for one in code(row[0])
        for path in expanded(one.rpartition(" ")[2])
    }
    assert documented - {console.PATH} == {path for path in served if not aliases.fullmatch(path)}


def expanded(path: str) -> list[str]:
    """Return the paths that ``/{a,b}`` stands for."""
    before, opened, rest = path.partition("{")
    names, _, after = rest.partition("}")
    return [f"{before}{name}{after}" for name in names.split(",")] if opened else [path]


def test_the_table_of_errors_is_what_is_answered(app: Flask) -> None:
    client, key, limited = app.test_client(), ("a-write-key", ""), ("limited", "")
    too_large = b" " * (app.config["MAX_CONTENT_LENGTH"] + 1)
    answers = [
        client.get("/nowhere"),
        client.get("/v1/track"),
        client.post("/v1/track", data="{}", content_type="text/html"),
        client.post("/v1/track", data=too_large, content_type="application/json"),
        client.post("/v1/track", json={}),
        client.post("/v1/track", json={}, auth=key),
        client.post("/v1/track", data="{}", auth=key, content_type="text/plain", headers={"Content-Encoding": "gzip"}),
        client.post("/v1/identify", json=ANNA, auth=limited),
        *[client.post("/v1/track", json=ANNA, auth=limited) for _ in range(2)][1:],
    ]
    documented = {(int(row[0]), code(row[1])[0]) for row in table(page("http"), "| code | `error.code` |")}
    found = {(one.status_code, one.get_json()["error"]["code"]) for one in answers}
    # Of a service that does not answer, a database that cannot store, a mistake in the code, the console's API.
    # The web server itself: see tests/acceptance/test_buffering.py.
    buffering = {(408, "request_timeout"), (414, "request_uri_too_long"), (417, "expectation_failed")}
    buffering |= {(431, "request_header_fields_too_large"), (501, "not_implemented"), (400, "bad_request")}
    elsewhere = {(502, "bad_gateway"), (503, "unavailable"), (500, "internal_server_error"), (409, "conflict")}
    assert documented == found | elsewhere | buffering


def test_the_limits_of_waiting_are_those_of_the_code() -> None:
    assert f"to N seconds, at most {LONGEST_SECONDS:g}" in page("http")
    assert f"At most {MOST} requests of a process" in page("http")


def test_the_table_of_the_consoles_api_is_what_is_served(app: Flask) -> None:
    rules = console.application(app.extensions["bridge"], TOKEN).url_map.iter_rules()
    served = {
        (method, console.PATH + re.sub(r"<\w*?(id|name)>", lambda found: found[1].upper(), rule.rule))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    documented = {tuple(code(row[0])[0].split(" ")) for row in table(page("console"), "| call | effect |")}
    assert documented == served
