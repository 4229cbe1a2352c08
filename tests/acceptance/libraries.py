"""Segment's own libraries, unchanged, pointed at the bridge."""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from segment.analytics.client import Client

from tests.acceptance.process import CHECKOUT, WRITE_KEY

PACKAGE = "@segment/analytics-node@3.1.0"
FOR_BROWSERS = "@segment/analytics-next@1.84.3"
PACKAGES = CHECKOUT / ".node"
"""Where npm puts them, once for all runs; git ignores it."""

NEEDED = (
    "Node.js 20 with npm is needed, to run Segment's library for it: https://nodejs.org, or apt-get install nodejs npm"
)

Call = tuple[str, Mapping[str, Any]]
"""A method of the library, and the message, named as in JSON."""


def python(host: str, calls: Sequence[Call], *, gzip: bool = False) -> None:
    """With segment-analytics-python, in its own thread as by default."""
    errors: list[Any] = []
    client = Client(WRITE_KEY, host=host, gzip=gzip, max_retries=0, on_error=lambda *told: errors.append(told))
    for method, message in calls:
        getattr(client, method)(**{_ARGUMENTS.get(name, name): value for name, value in message.items()})
    client.flush()
    client.shutdown()
    assert not errors


def python_gzip(host: str, calls: Sequence[Call]) -> None:
    """The same, compressed."""
    python(host, calls, gzip=True)


def node(host: str, calls: Sequence[Call]) -> None:
    """With @segment/analytics-node."""
    program = _program("node")
    _install(PACKAGE)
    script = Path(__file__).with_name("analytics.js")
    done = subprocess.run(
        [program, script, PACKAGES, host, WRITE_KEY],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def browser_library() -> Path:
    """The script of analytics.js, as a site would serve it."""
    _install(FOR_BROWSERS)
    return PACKAGES / "node_modules/@segment/analytics-next/dist/umd/index.js"


LIBRARIES = {"python": python, "python, compressed": python_gzip, "node": node}

_ARGUMENTS = {"userId": "user_id", "groupId": "group_id", "previousId": "previous_id", "messageId": "message_id"}


def _install(package: str) -> None:
    PACKAGES.mkdir(exist_ok=True)
    # Several processes may run tests at once.
    with (PACKAGES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        name, _, version = package.rpartition("@")
        installed = PACKAGES / "node_modules" / name / "package.json"
        if installed.exists() and json.loads(installed.read_text())["version"] == version:
            return
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(PACKAGES))
        npm = [_program("npm"), "install", *options, package]
        done = subprocess.run(npm, capture_output=True, text=True, timeout=110, check=False)
        if done.returncode:
            pytest.fail(f"npm cannot install {package}:\n{done.stderr}")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(NEEDED)
    return found
