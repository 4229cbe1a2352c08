"""The README is the product's face: what it says is so, and its commands work."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.bootstrap import build
from bridge.cli import main
from bridge.config import Settings
from bridge.demo.samples import webhook
from bridge.demo.segment import SegmentStandIn, Served
from bridge.signature import sign
from bridge.to_segment.catalogue import EVENTS
from bridge.web import create_app

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
    assert COMMANDS[1].endswith(".venv/bin/pytest --cov")
    assert any("gunicorn wsgi:app" in command for command in COMMANDS[2:8])


def test_the_first_command_works_on_a_fresh_machine(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "tests")
    shutil.copytree(CHECKOUT, checkout, ignore=ignored)
    command = COMMANDS[0].replace("python3", sys.executable, 1)
    done = subprocess.run(f"{command} --once", shell=True, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for event in EVENTS:
        assert event.name in done.stdout


def test_the_second_command_is_what_ci_runs() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text()
    [picked] = re.findall(r"grep --max-count=1 '(.*?)' README.md", script)
    first = next(line for line in README.splitlines() if re.search(picked.replace("\\.", "[.]"), line))
    assert first == COMMANDS[1]


@pytest.fixture
def bridge_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[str]:
    segment = SegmentStandIn()
    with Served(segment.app()) as stand_in:
        for name, value in {
            "SEGMENT_WRITE_KEY": "write-key",
            "SEGMENT_HOST": stand_in.url,
            "VOUCHERIFY_API_URL": stand_in.url,
            "VOUCHERIFY_WEBHOOK_SECRET": "secret",
            "BRIDGE_DATABASE_URL": sqlite_url,
            "BRIDGE_WORKER": "external",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        app = create_app()
        with Served(app) as served:
            yield served.url
        app.extensions["bridge"].database.close()


BRIDGE_COMMANDS = [command for command in COMMANDS[2:] if command.startswith(".venv/bin/bridge ")]


@pytest.mark.parametrize("command", BRIDGE_COMMANDS)
def test_a_bridge_command(command: str, bridge_url: str) -> None:
    body = webhook(EVENTS[0], "1")
    bridge = build(Settings.from_env())
    kept = bridge.webhooks.take(body, sign(body, "secret"))
    bridge.database.close()
    words = [kept.id if word == ABRIDGED else word for word in shlex.split(command)[1:]]
    if words[0] == "trigger":
        words += ["--url", f"{bridge_url}/webhooks/voucherify"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output


def test_the_table_of_events_is_the_catalogue() -> None:
    rows = re.findall(r"^\| (Customer [^|]+) \| `(\w+)` \| `([\w.]+)` \| ([^|]+) \|$", README, re.MULTILINE)
    assert rows == [
        (event.name, event.name.lower().replace(" ", "_"), event.type, ", ".join(event.fields)) for event in EVENTS
    ]


def test_the_table_of_settings_is_what_is_read() -> None:
    told = set(re.findall(r"`((?:SEGMENT|VOUCHERIFY|BRIDGE)_\w+)`", README.partition("## Settings")[2]))
    read = set(re.findall(r'"((?:SEGMENT|VOUCHERIFY|BRIDGE)_\w+)"', (CHECKOUT / "bridge" / "config.py").read_text()))
    assert told == read


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (CHECKOUT / target).exists(), target
