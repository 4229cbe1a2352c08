"""``bridge …`` as an operator types it, beside a server that runs."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.acceptance.process import CHECKOUT
from tests.acceptance.waiting import PATIENCE


def run(database_url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command, and wait for its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    return subprocess.run(
        [sys.executable, "-m", "bridge.cli", *words],
        capture_output=True,
        text=True,
        cwd=os.path.dirname(__file__),  # noqa: PTH120 - a text, as others; no .env is there
        env={**inherited, "PYTHONPATH": str(CHECKOUT), "BRIDGE_DATABASE_URL": database_url},
        timeout=2 * PATIENCE,
        check=False,
    )


def said(database_url: str, *words: str) -> Any:
    """Run a command that succeeds, and return what it says as JSON."""
    done = run(database_url, *words, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)
