"""The demo in this process: its output, and its errors."""

import json
import signal
import socket
from collections.abc import Iterator

import pytest
import requests
from click.testing import CliRunner

from bridge.cli import main
from bridge.demo.calls import CALLS
from bridge.demo.play import changes, play, stage
from bridge.errors import DemoFailed
from bridge.to_segment.catalogue import EVENTS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def sigterm() -> Iterator[None]:
    """Restore the handler of SIGTERM, which the command replaces."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_everything_posted_arrives() -> None:
    with stage() as running:
        play(running)
        assert {event["event"] for event in running.segment.events} == {event.name for event in EVENTS}
        assert len(changes(running.voucherify)) == len(CALLS) + 1
        assert not running.voucherify.project.unwanted
        refused = requests.post(running.webhook_url, data=b"{}", timeout=10)
        with pytest.raises(DemoFailed, match="answered 401"):
            running.accepted(refused)


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["demo", "--once", "--port", str(port)])
    assert (result.exit_code, result.output) == (1, f"Error: port {port} is taken\n")


def test_the_output_shows_the_received_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(main, ["demo", "--once"]).output
    for name in (*(event.name for event in EVENTS), "POST /v1/customers", "Viewed Basket Screen"):
        assert name in shown
    told = json.loads(CliRunner().invoke(main, ["demo", "--once", "--json"]).output)
    assert (len(told["segment"]), len(told["voucherify"])) == (len(EVENTS), len(CALLS) + 1)
