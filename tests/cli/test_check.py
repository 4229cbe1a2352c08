"""``bridge check``, ``bridge trigger``, and how the command speaks when something is wrong."""

import json

import pytest
from flask import Flask, Response

from bridge.demo.segment import Served
from bridge.to_segment.catalogue import EVENTS, Event
from tests.cli.conftest import Run
from tests.webhooks import SECRET


def test_help_names_every_command(run: Run) -> None:
    output = run("--help").output
    for name in ("demo", "check", "trigger", "events", "replay", "worker"):
        assert f"\n  {name} " in output


def test_all_is_well(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    assert "wrong" not in result.output


def test_no_secret_is_shown(run: Run) -> None:
    assert SECRET not in run("check").output
    assert "write-key" not in run("check", "--json").output


def test_every_wrong_setting_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGMENT_WRITE_KEY")
    monkeypatch.setenv("BRIDGE_WORKER", "sometimes")
    result = run("check", "--json")
    assert result.exit_code == 1
    assert {one["what"] for one in json.loads(result.output)} == {"SEGMENT_WRITE_KEY", "BRIDGE_WORKER"}


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("SEGMENT_HOST", "http://127.0.0.1:9", "Segment"),
        ("VOUCHERIFY_API_URL", "http://127.0.0.1:9", "Voucherify"),
        ("BRIDGE_DATABASE_URL", "sqlite:////nowhere/bridge.db", "database"),
        ("BRIDGE_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none", "database"),
    ],
)
def test_what_cannot_be_reached(
    variable: str, value: str, what: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    result = run("check", "--json")
    assert result.exit_code == 1
    [wrong] = [one for one in json.loads(result.output) if one["verdict"] == "wrong"]
    assert wrong["what"] == what
    assert variable in wrong["remedy"]


def test_other_commands_name_the_wrong_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOUCHERIFY_WEBHOOK_SECRET")
    result = run("events")
    assert result.exit_code == 1
    assert "VOUCHERIFY_WEBHOOK_SECRET: needed" in result.output


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_a_sample_of_each_event_is_accepted(event: Event, run: Run, served_app: Flask) -> None:
    name = event.type
    with Served(served_app) as served:
        result = run("trigger", name, "--url", f"{served.url}/webhooks/voucherify", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["answer"]["status"] == "accepted"


@pytest.mark.parametrize("spelling", ["Customer Rewarded", "customer.rewarded", "EVENTS.CUSTOMER.REWARDED"])
def test_any_spelling_will_do(spelling: str, run: Run, served_app: Flask) -> None:
    with Served(served_app) as served:
        result = run("trigger", spelling, "--url", f"{served.url}/webhooks/voucherify")
    assert "202" in result.output
    assert '"event":"Customer Rewarded"' in result.output


def test_an_unknown_event_is_answered_with_those_there_are(run: Run) -> None:
    result = run("trigger", "redemption.maybe")
    assert result.exit_code == 2
    assert "rewarded.loyalty_points" in result.output


def test_nobody_listens(run: Run) -> None:
    result = run("trigger", "rewarded", "--url", "http://127.0.0.1:9/webhooks/voucherify")
    assert result.exit_code == 1
    assert "Is the bridge running?" in result.output


def test_a_refusal_is_shown_and_fails(run: Run) -> None:
    app = Flask("other")
    app.post("/")(lambda: Response("not here", 404))
    with Served(app) as served:
        result = run("trigger", "rewarded", "--url", served.url, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {"status_code": 404, "answer": "not here"}


def test_no_secret_to_sign_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOUCHERIFY_WEBHOOK_SECRET")
    assert "VOUCHERIFY_WEBHOOK_SECRET: needed" in run("trigger", "rewarded").output
