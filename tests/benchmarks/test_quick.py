"""Run each benchmark; figures of so short a look mean nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("script", "options", "shown"),
    [
        (
            "webhooks.py",
            ["--variants", "b,sqlite", "--only", "load,latency,drain"],
            ["(c) the bridge, SQLite", "at half load", "untranslated"],
        ),
        ("destination.py", ["--sqlite"], ["keeps calls in memory", "the bridge, SQLite", "piled up"]),
        ("console.py", [], ["list: dead", "overview: 7d", "page: event"]),
        ("mappings.py", [], ["identify preset"]),
    ],
)
def test_a_quick_run_shows_every_part(script: str, options: list[str], shown: list[str]) -> None:
    command = [sys.executable, str(FOLDER / script), "--quick", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [part for part in shown if part not in done.stdout] == []
