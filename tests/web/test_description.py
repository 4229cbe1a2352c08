"""The OpenAPI description is valid and complete."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from bridge.settings import Settings
from bridge.web import create_app
from bridge.web.openapi import PATH, describe

VARIABLES = {
    "SEGMENT_WRITE_KEY": "write-key",
    "VOUCHERIFY_WEBHOOK_SECRET": "secret",
    "VOUCHERIFY_APP_ID": "app-id",
    "VOUCHERIFY_SECRET_KEY": "secret-key",
    "BRIDGE_WRITE_KEYS": "a-write-key",
    "SEGMENT_WEBHOOK_SECRET": "a-secret",
    "BRIDGE_WORKER": "external",
}

Make = Callable[..., Flask]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> Iterator[Make]:
    made: list[Flask] = []
    for name, value in {**VARIABLES, "BRIDGE_DATABASE_URL": sqlite_url}.items():
        monkeypatch.setenv(name, value)

    def make_one(**changed: Any) -> Flask:
        made.append(create_app(replace(Settings.from_env(), **changed)))
        return made[-1]

    yield make_one
    for one in made:
        one.extensions["bridge"].close()


@pytest.fixture
def app(make: Make) -> Flask:
    return make()


def test_it_is_served_and_sound(app: Flask) -> None:
    response = app.test_client().get(PATH)
    assert response.status_code == 200
    validate(response.json or {})


def test_it_is_made_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    first = app.test_client().get(PATH).json
    monkeypatch.setattr("bridge.web.openapi.describe", lambda _: {})
    assert app.test_client().get(PATH).json == first


def test_every_public_path_is_described_with_its_methods(app: Flask) -> None:
    served = {
        (rule.rule, method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/console")
    }
    with app.app_context():
        paths = describe(app)["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} == served


def test_a_direction_that_is_off_is_not_described(make: Make) -> None:
    app = make(to_voucherify=None)
    paths = describe(app)["paths"]
    assert "/webhooks/voucherify" in paths
    assert not [path for path in paths if path.startswith(("/segmentio", "/v1", "/webhooks/segment"))]


def test_a_webhook_of_an_event_may_hold_what_voucherify_adds(app: Flask) -> None:
    schemas = describe(app)["components"]["schemas"]
    assert schemas["Envelope"].get("additionalProperties", True) is True
    assert schemas["Envelope"]["required"] == ["data"]


def test_what_an_action_demands_is_in_it(app: Flask) -> None:
    call = describe(app)["paths"]["/segmentio/customer-processing"]["post"]
    schema = call["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == {"source_id", "type"}
    assert schema["properties"]["name"]["type"] == ["string", "null"]
    assert schema["properties"]["source_id"]["type"] == ["string"]
