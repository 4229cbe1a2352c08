"""Open the console in a browser without scripts."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge.bootstrap import Bridge
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.demo.calls import CALLS, credentials
from bridge.doors import SEGMENT_DESTINATION
from bridge.intake import Given, Received
from bridge.settings import Settings, ToSegment, ToVoucherify
from bridge.web import create_app
from tests.translating import translate
from tests.web.console.events import REFUSED, Post, deliver, store
from tests.webhooks import encode

TOKEN = "the-token-of-the-console"

MakeApp = Callable[..., Flask]


class Visitor:
    """A browser that fills in forms."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(f"/console{path}", **more)

    def press(self, page: str, action: str, **fields: str) -> TestResponse:
        """Send the form of ``page`` whose action ends in ``action``, with its hidden fields."""
        for form in re.findall(r"<form.*?</form>", self.get(page).text, re.DOTALL):
            [to] = re.findall(r'action="([^"]*)"', form)
            hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
            if to.partition("?")[0].endswith(action) and fields.items() <= {**hidden, **fields}.items():
                return self.client.post(to.replace("&amp;", "&"), data={**hidden, **fields})
        raise AssertionError(f"no form on {page} leads to {action}")

    def sign_in(self, token: str = TOKEN, name: str = "Ada", then: str = "") -> TestResponse:
        return self.press(f"/sign-in{then}", "/sign-in", token=token, name=name)


@contextmanager
def applications(database_url: str) -> Iterator[MakeApp]:
    """Yield a function that makes an application with a console. Arguments change its settings."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        settings = {
            "to_segment": ToSegment("write-key", "http://127.0.0.1:1", gzip=False, webhook_secrets=("secret",)),
            "to_voucherify": ToVoucherify("app-id", "secret-key", rate_limit=None),
            "voucherify_url": "http://127.0.0.1:1",
            "database_url": database_url,
            "embedded_worker": False,
            "max_body_bytes": 200_000,
            "max_age": 86_400.0,
            "admin_token": TOKEN,
        }
        made.append(create_app(Settings(**{**settings, **changes})))
        return made[-1]

    yield make
    for app in made:
        app.extensions["bridge"].close()


@pytest.fixture
def make_app(sqlite_url: str) -> Iterator[MakeApp]:
    with applications(sqlite_url) as make:
        yield make


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def bridge(app: Flask) -> Bridge:
    built: Bridge = app.extensions["bridge"]
    return built


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    return Visitor(app.test_client())


@pytest.fixture
def visitor(stranger: Visitor) -> Visitor:
    """A visitor who has signed in."""
    assert stranger.sign_in().status_code == 302
    return stranger


@pytest.fixture
def post(bridge: Bridge) -> Post:
    """Store a webhook, translate it, and return its event's id."""

    def take(message: Any = None, unique: str = "1") -> str:
        event_id = store(bridge, message, unique)
        translate(bridge)
        return event_id

    return take


@pytest.fixture
def dead(post: Post, bridge: Bridge) -> str:
    event_id = post()
    deliver(bridge, REFUSED)
    return event_id


@pytest.fixture
def uncertain(bridge: Bridge) -> str:
    headers = credentials("app-id", "secret-key")
    given = Given(headers["Authorization"], headers["Secret-Key"])
    path, body = CALLS["track"]
    received: Received = bridge.intakes[SEGMENT_DESTINATION].take(f"segmentio/{path}", encode(body), given, "request-1")
    translate(bridge)
    deliver(bridge, Outcome(Happened.UNCERTAIN, detail="in doubt"), "voucherify")
    return received.id
