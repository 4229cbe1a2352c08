"""Which Chromium the browser tests use."""

import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.acceptance import chromium
from tests.acceptance.chromium import NAMES, VARIABLE, Chromium, find

NPMS = Chromium(Path("npm's"))


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "unpacked", lambda: NPMS)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")


def playwright(own: Path) -> Any:
    return SimpleNamespace(chromium=SimpleNamespace(executable_path=str(own)))


def executable(path: Path) -> Path:
    path.touch(mode=0o755)
    return path


def test_a_named_one_is_preferred_then_the_path_then_playwrights_then_npms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    assert find(playwright(own)) == NPMS
    executable(own)
    assert find(playwright(own)) == Chromium(own)
    for name in reversed(NAMES):
        path = executable(tmp_path / name)
        assert find(playwright(own)) == Chromium(path)
    monkeypatch.setenv(VARIABLE, "/named")
    assert find(playwright(own)) == Chromium(Path("/named"))


@pytest.mark.parametrize(("system", "machine"), [("linux", "aarch64"), ("darwin", "x86_64")])
def test_elsewhere_playwright_installs_its_own(
    system: str, machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Any:
        commands.append(command)
        return SimpleNamespace(returncode=len(commands) - 1)

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(subprocess, "run", run)
    assert find(playwright(tmp_path / "own")) == Chromium(tmp_path / "own")
    assert commands == [[sys.executable, "-m", "playwright", "install", "chromium"]]
    with pytest.raises(pytest.fail.Exception, match=VARIABLE):
        find(playwright(tmp_path / "own"))
