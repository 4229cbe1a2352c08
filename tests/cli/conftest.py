"""Settings of a bridge in the environment, and the command."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from bridge.bootstrap import Bridge, build
from bridge.cli import main
from bridge.delivery.inbox.outcomes import outcomes
from bridge.demo.calls import credentials
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.demo.voucherify import VoucherifyStandIn
from bridge.doors import SEGMENT_DESTINATION, VOUCHERIFY_WEBHOOKS
from bridge.intake import Given
from bridge.settings import Settings
from bridge.web import create_app
from tests.delivery.patience import until
from tests.translating import translating
from tests.webhooks import SECRET, encode, signed

Run = Callable[..., Result]
APP_ID, SECRET_KEY = "the-app-id", "the-secret-key"


@pytest.fixture
def segment() -> SegmentStandIn:
    return SegmentStandIn("write-key")


@pytest.fixture
def voucherify() -> VoucherifyStandIn:
    return VoucherifyStandIn(APP_ID, SECRET_KEY)


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, voucherify: VoucherifyStandIn) -> Iterator[None]:
    """Turn the other direction on as well."""
    with Served(voucherify.app()) as served:
        monkeypatch.setenv("VOUCHERIFY_API_URL", served.url)
        monkeypatch.setenv("VOUCHERIFY_APP_ID", APP_ID)
        monkeypatch.setenv("VOUCHERIFY_SECRET_KEY", SECRET_KEY)
        yield


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch, database_url: str, segment: SegmentStandIn, tmp_path: Any
) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("BRIDGE_", "SEGMENT_", "VOUCHERIFY_"))]:
        monkeypatch.delenv(name)
    with Served(segment.app()) as served:
        monkeypatch.setenv("SEGMENT_WRITE_KEY", "write-key")
        monkeypatch.setenv("SEGMENT_HOST", served.url)
        monkeypatch.setenv("VOUCHERIFY_API_URL", served.url)
        monkeypatch.setenv("VOUCHERIFY_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("BRIDGE_DATABASE_URL", database_url)
        yield


@pytest.fixture
def run() -> Run:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return invoke


@pytest.fixture
def told(run: Run) -> Callable[..., Any]:
    """Return what a command prints as JSON; it must succeed."""

    def invoke(*words: str) -> Any:
        result = run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    return invoke


@pytest.fixture
def bridge(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    """Return the same bridge from inside, which translates and does not deliver."""
    if "both" in request.fixturenames:
        request.getfixturevalue("both")
    built = build(Settings.from_env())
    with translating(built):
        yield built
    built.close()


def translated(bridge: Bridge, message_id: str) -> str:
    """Wait until the message is translated, and return the id of its event."""

    def is_translated() -> object:
        with bridge.database.reading() as connection:
            return outcomes(connection, message_id)

    until(is_translated)
    return message_id


@pytest.fixture
def served_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Return the application, which translates and does not deliver."""
    monkeypatch.setenv("BRIDGE_WORKER", "external")
    app = create_app()
    with translating(app.extensions["bridge"]):
        yield app
    app.extensions["bridge"].close()


@pytest.fixture
def post(bridge: Bridge) -> Callable[[Any], str]:
    """Post a webhook, a value or raw bytes, and return its event's id."""

    def take(message: Any) -> str:
        body = message if isinstance(message, bytes) else encode(message)
        [signature] = [value for name, value in signed(body).items() if name.endswith("Signature")]
        return translated(bridge, bridge.intakes[VOUCHERIFY_WEBHOOKS].take(body, signature, "").id)

    return take


@pytest.fixture
def call(both: None, bridge: Bridge) -> Callable[[str, Any], str]:
    """Post a call of Segment's destination, and return its event's id."""
    headers = credentials(APP_ID, SECRET_KEY)
    given = Given(headers["Authorization"], headers["Secret-Key"])

    def take(path: str, message: Any) -> str:
        return translated(
            bridge, bridge.intakes[SEGMENT_DESTINATION].take(f"segmentio/{path}", encode(message), given, "").id
        )

    return take
