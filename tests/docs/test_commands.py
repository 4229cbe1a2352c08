"""The commands of the documents: each runs here, or is listed with the reason why it does not."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
import requests
from click.testing import CliRunner

from bridge.cli import main
from bridge.demo.calls import CALLS, call, credentials
from bridge.demo.play import post
from bridge.demo.samples import webhook
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.demo.voucherify import VoucherifyStandIn
from bridge.to_segment.catalogue import EVENTS
from bridge.web import create_app
from tests.docs.documents import CHECKOUT, DOCUMENTS, blocks, code, commands, page, table
from tests.translating import translating

BRIDGE = ".venv/bin/bridge "
ABRIDGED = "01KA…"

NOT_RUN: Mapping[str, str] = {
    "python3 -m venv .venv": "test_readme.py runs the demo; the tests are running",
    ".venv/bin/pytest ": "the tests are running",
    "BRIDGE_SCREENSHOTS=1 .venv/bin/pytest ": "the tests are running",
    ".ci/": "runs the tests",
    "export ": "the values are the reader's",
    ".venv/bin/bridge serve": "does not end: acceptance/test_serve.py runs it",
    ".venv/bin/python tests/benchmarks/": "takes minutes: benchmarks/test_quick.py runs each",
    "sqlite3 bridge.db": "SQLite's command line is not installed everywhere",
}
"""By the beginning of a command: why it does not run here."""

ALL = list(dict.fromkeys(command for path in DOCUMENTS for command in commands(path.read_text())))
RUN = [command for command in ALL if not command.startswith(tuple(NOT_RUN))]

EVENT = {"type": "track", "userId": "ada-1815", "event": "Order Completed", "properties": {"total": 100}}


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


def test_every_command_runs_or_is_listed() -> None:
    assert [command for command in RUN if not command.startswith(BRIDGE)] == []
    assert [start for start in NOT_RUN if not any(command.startswith(start) for command in ALL)] == []


def test_every_file_that_a_command_names_is_there() -> None:
    named = [word for command in ALL for word in shlex.split(command) if word.startswith(("tests/", ".ci/"))]
    assert [word for word in named if not (CHECKOUT / word).exists()] == []
    assert len(named) > 3


@pytest.mark.parametrize("command", RUN)
def test_a_bridge_command(command: str, bridge_url: str) -> None:
    [mappings] = blocks(page("mappings"), "json")
    Path("mappings.json").write_text(mappings)
    Path("event.json").write_text(json.dumps(EVENT))
    stored = post(f"{bridge_url}/webhooks/voucherify", webhook(EVENTS[0], "1"), "secret").json()
    assert stored["status"] == "accepted"
    words = [stored["id"] if word == ABRIDGED else word for word in shlex.split(command)[1:]]
    if words[0] == "trigger":
        words += ["--url", f"{bridge_url}/webhooks/voucherify"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    if "event.json" in words:
        assert '"event": "Large order"' in result.output


def _subcommands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _subcommands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def test_the_table_of_commands_is_the_command_line() -> None:
    rows = {code(row[0])[0]: row[2] for row in table(page("commands"), "| command | purpose |")}
    assert rows == {
        name: "yes" if any("--json" in one.opts for one in command.params) else "no"
        for name, command in _subcommands(main, "bridge")
    }


def test_a_command_that_is_spoken_of_is_there() -> None:
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    named = set(re.findall(r"(?:\.venv/bin/|`)bridge ([a-z]\w+)", text))
    assert named == set(main.commands)


def test_a_call_is_answered_as_the_documents_say(bridge_url: str) -> None:
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    named = set(re.findall(r"https://your-bridge\.example\.com(/[\w/]+)?", text))
    assert named == {"", "/webhooks/voucherify", "/webhooks/segment"}
    assert requests.get(f"{bridge_url}/segmentio/test-authentication", timeout=10).status_code == 401
    headers = credentials("app-id", "secret-key")
    assert requests.get(f"{bridge_url}/segmentio/test-authentication", headers=headers, timeout=10).status_code == 200
    assert {call(bridge_url, kind, headers).status_code for kind in CALLS} == {200}
