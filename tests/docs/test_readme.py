"""The README: one page, whose first commands work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.demo.calls import CALLS
from bridge.to_segment.catalogue import EVENTS
from tests.docs.documents import CHECKOUT, PAGES, README, commands, links, page, table

DEMO, SERVE, TESTS, FAST = [
    next(command for command in commands(README) if part in command)
    for part in ("bridge demo", "bridge serve", "pytest -n", "pytest -m")
]


def test_it_has_fewer_than_200_lines() -> None:
    assert len(README.splitlines()) < 200


def test_the_guarantees_are_five() -> None:
    section = README.partition("## Guarantees\n")[2].partition("\n## ")[0]
    assert len(re.findall(r"^- \*\*", section, re.MULTILINE)) == 5


def test_every_page_is_linked() -> None:
    assert {f"docs/{one.name}" for one in PAGES} <= set(links(README))


def test_ten_settings_are_rows_of_the_page_of_settings() -> None:
    head = "| variable | meaning | default |"
    rows = table(README, head)
    assert len(rows) == 10
    assert all(f"\n| {' | '.join(row)} |\n" in page("settings") for row in rows)


def test_the_first_commands_are_whole() -> None:
    assert DEMO.endswith(".venv/bin/bridge demo")
    assert TESTS.endswith("&& .venv/bin/pytest -n 4")
    assert FAST == ".venv/bin/pytest -m 'not slow' -n 4"
    assert SERVE == ".venv/bin/bridge serve"


def test_ci_runs_the_first_commands_word_for_word() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text()
    patterns = re.findall(r"grep --max-count=1 '(.*?)' README.md", script)
    picked = [next(line for line in README.splitlines() if re.search(pattern, line)) for pattern in patterns]
    assert picked == [DEMO, TESTS, FAST]
    assert "\n.ci/check\n" in script


@pytest.mark.slow
@pytest.mark.timeout(400)  # a slow mirror and a busy machine
def test_the_demo_works_on_a_fresh_machine(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "tests")
    shutil.copytree(CHECKOUT, checkout, ignore=ignored)
    command = DEMO.replace("python3", sys.executable, 1)
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
