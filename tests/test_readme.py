"""The README is the product's face: what it says is so, and its commands work."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from bridge.cli import main
from bridge.demo.calls import CALLS, call, credentials
from bridge.demo.play import post
from bridge.demo.samples import webhook
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.demo.voucherify import VoucherifyStandIn
from bridge.doors import TRACKING
from bridge.operations.history import PENDING, STATUSES
from bridge.operations.monitoring.measures import Measures
from bridge.to_segment.catalogue import EVENTS
from bridge.to_voucherify.actions import ACTIONS, Action, documentation
from bridge.to_voucherify.raw_events.presets import PRESETS
from bridge.web import create_app
from bridge.web.metrics import exposition
from bridge.web.openapi import describe
from tests.acceptance.chromium import VARIABLE as BROWSER
from tests.translating import translating

CHECKOUT = Path(__file__).parents[1]
README = (CHECKOUT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
ABRIDGED = "01KA…"


def test_the_first_screen_has_two_commands_and_the_real_thing() -> None:
    assert COMMANDS[0].endswith(".venv/bin/bridge demo")
    assert COMMANDS[1].endswith(".venv/bin/pytest --cov -n 4")
    assert any("bridge serve" in command for command in COMMANDS[2:8])


@pytest.mark.slow
@pytest.mark.timeout(400)  # a slow mirror and a busy machine
def test_the_first_command_works_on_a_fresh_machine(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "tests")
    shutil.copytree(CHECKOUT, checkout, ignore=ignored)
    command = COMMANDS[0].replace("python3", sys.executable, 1)
    wide = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(
        f"{command} --once", shell=True, cwd=checkout, env=wide, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for event in EVENTS:
        assert event.name in done.stdout
    for request in ("POST /v1/customers", "POST /v1/events"):
        assert request in done.stdout
    for _, body in CALLS.values():
        assert str(body.get("event") or body.get("group_id") or body.get("first_name")) in done.stdout


def test_ci_runs_the_first_commands_word_for_word() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text()
    patterns = re.findall(r"grep --max-count=1 '(.*?)' README.md", script)
    picked = [next(line for line in README.splitlines() if re.search(pattern, line)) for pattern in patterns]
    assert picked == COMMANDS[:3]


@pytest.fixture
def bridge_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[str]:
    segment, voucherify = SegmentStandIn(), VoucherifyStandIn("app-id", "secret-key")
    with Served(segment.app()) as segment_api, Served(voucherify.app()) as voucherify_api:
        for name, value in {
            "SEGMENT_WRITE_KEY": "write-key",
            "SEGMENT_HOST": segment_api.url,
            "VOUCHERIFY_API_URL": voucherify_api.url,
            "VOUCHERIFY_APP_ID": "app-id",
            "VOUCHERIFY_SECRET_KEY": "secret-key",
            "VOUCHERIFY_WEBHOOK_SECRET": "secret",
            "BRIDGE_DATABASE_URL": sqlite_url,
            "BRIDGE_WORKER": "external",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        app = create_app()
        with Served(app) as served, translating(app.extensions["bridge"]):
            yield served.url
        app.extensions["bridge"].close()


SERVE = ".venv/bin/bridge serve"
"""Does not end; ``acceptance/test_serve.py`` runs it."""

BRIDGE_COMMANDS = [
    command for command in COMMANDS[2:] if command.startswith(".venv/bin/bridge ") and not command.startswith(SERVE)
]


MAPPINGS = re.search(r"```json\n(.*?)```", README, re.DOTALL)
EVENT = {"type": "track", "userId": "ada-1815", "event": "Order Completed", "properties": {"total": 100}}


@pytest.mark.parametrize("command", BRIDGE_COMMANDS)
def test_a_bridge_command(command: str, bridge_url: str) -> None:
    assert MAPPINGS
    Path("mappings.json").write_text(MAPPINGS[1])
    Path("event.json").write_text(json.dumps(EVENT))
    stored = post(f"{bridge_url}/webhooks/voucherify", webhook(EVENTS[0], "1"), "secret").json()
    assert stored["status"] == "accepted"
    words = [stored["id"] if word == ABRIDGED else word for word in shlex.split(command)[1:]]
    if words[0] == "trigger":
        words += ["--url", f"{bridge_url}/webhooks/voucherify"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    if words[0] == "decide":
        assert result.output == "Nothing of it is uncertain.\n"
    if "event.json" in words:
        assert '"event": "Large order"' in result.output


def test_every_command_is_told_of() -> None:
    assert set(re.findall(r"(?:\.venv/bin/|`)bridge (\w+)", README)) == set(main.commands)


def test_the_table_of_events_is_the_catalogue() -> None:
    rows = re.findall(r"^\| (Customer [^|]+) \| `(\w+)` \| `([\w.]+)` \| ([^|]+) \|$", README, re.MULTILINE)
    assert rows == [
        (event.name, event.name.lower().replace(" ", "_"), event.type, ", ".join(event.fields)) for event in EVENTS
    ]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_the_table_of_a_call_is_its_action(action: Action) -> None:
    assert f"**{action.title}** → `POST {action.path}`\n\n{documentation(action)}\n\n" in README


def test_the_tables_of_calls_are_those_of_the_actions() -> None:
    assert re.findall(r"^\*\*(.+)\*\* → `POST (.+)`$", README, re.MULTILINE) == [
        (action.title, action.path) for action in ACTIONS.values()
    ]


def test_the_table_of_presets_is_the_presets() -> None:
    table = README.partition("| call | mapping | action |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| (\w[\w ]+\w)[^|]*\|$", table, re.MULTILINE)
    told = {(f'type = "{kind}"', name, action) for kind, name, action in rows if name != "none"}
    assert told == {(str(one.trigger), one.name, one.action.title) for one in PRESETS}


def test_every_path_of_the_tracking_api_is_told() -> None:
    [kinds] = re.findall(r"`POST /v1/{([\w,]+)}`", README)
    assert [f"v1/{kind}" for kind in kinds.split(",")] == list(TRACKING)


VARIABLE = r"((?:SEGMENT|VOUCHERIFY|BRIDGE)_[A-Z_]+)"


def test_the_table_of_settings_is_what_is_read() -> None:
    table = re.findall(r"^\| (`[A-Z_`, ]+`) \|.*\|$", README.partition("## Settings")[2], re.MULTILINE)
    told = [name for names in table for name in re.findall(f"`{VARIABLE}`", names)]
    read = set(re.findall(f'"{VARIABLE}"', (CHECKOUT / "bridge" / "settings.py").read_text()))
    assert len(told) == len(set(told))
    assert set(told) == read


def test_every_variable_that_is_spoken_of_is_in_the_table() -> None:
    table = set(re.findall(VARIABLE, README.partition("## Settings")[2]))
    assert set(re.findall(VARIABLE, README)) <= table | {BROWSER}


def test_a_call_is_answered_as_the_readme_says(bridge_url: str) -> None:
    named = set(re.findall(r"https://your-bridge\.example\.com(/[\w/]+)?", README))
    assert named == {"", "/webhooks/voucherify", "/webhooks/segment"}
    assert requests.get(f"{bridge_url}/segmentio/test-authentication", timeout=10).status_code == 401
    headers = credentials("app-id", "secret-key")
    assert requests.get(f"{bridge_url}/segmentio/test-authentication", headers=headers, timeout=10).status_code == 200
    assert {call(bridge_url, kind, headers).status_code for kind in CALLS} == {200}


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (CHECKOUT / target).exists(), target


def test_the_table_of_answers_is_what_is_described(bridge_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_WRITE_KEYS", "a-write-key")
    monkeypatch.setenv("SEGMENT_WEBHOOK_SECRET", "a-secret")
    app = create_app()
    described = describe(app)
    app.extensions["bridge"].close()
    schemas = described["components"]["schemas"]
    posted = {path: calls["post"] for path, calls in described["paths"].items() if "post" in calls}
    rows = re.findall(r"^\| `POST (/[^`]+)` \| (\d+) `(.+?)` \| (\d+) `(.+?)`(.*) \|$", README, re.MULTILINE)
    found: set[str] = set()
    for pattern, *codes_and_answers, more in rows:
        code, at_once, code_later, awaited = codes_and_answers
        for path in fnmatch.filter(posted, pattern):
            found.add(path)
            answer = posted[path]["responses"][code]
            shape = answer["content"]["application/json"]["schema"]
            shapes = shape.get("oneOf", [shape])
            names = [one["$ref"].rpartition("/")[2] for one in shapes if "$ref" in one]
            first, last = schemas[names[0]], schemas[names[-1]]
            assert code == code_later
            assert set(first["required"]) == keys(at_once), path
            assert set(last["properties"]) == keys(awaited), path
            assert ("a list" in more) == any(one.get("type") == "array" for one in shapes), path
            assert "Preference-Applied" in answer["headers"]
            assert [one["name"] for one in posted[path]["parameters"]] == ["Prefer"]
    assert found == posted.keys()


def keys(answer: str) -> set[str]:
    """The keys of an object as the README writes it."""
    return set(re.findall(r'(?:{|, )"(\w+)"', answer))


def test_the_table_of_metrics_is_what_is_served() -> None:
    found = Measures([], {}, {}, {}, [], [], ())
    served = {family.name for family in text_string_to_metric_families(exposition(found, 1.0).decode())}
    table = README.partition("| metric | labels |")[2].partition("\n\n")[0]
    told = re.findall(r"`(bridge_\w+?)(?:_total)?`", table)
    assert len(told) == len(set(told))
    assert set(told) == served


def test_the_table_of_statuses_is_what_can_be_asked_for() -> None:
    table = README.partition("| status | meaning |")[2].partition("\n\n")[0]
    told = [name for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert set(told) == {*STATUSES, PENDING}
