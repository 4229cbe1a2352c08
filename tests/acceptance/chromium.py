"""Find Chromium for the browser tests, or install one without the system's packages."""

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from playwright.sync_api import Playwright

from tests.acceptance import node

VARIABLE = "BRIDGE_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGE = "@sparticuz/chromium@153.0.0"
"""Chromium's headless shell for Linux on x86-64, with the libraries and fonts that it needs."""

ARCHIVES = ("al2023", "fonts", "swiftshader")
INFLATE = """
const { createReadStream, createWriteStream } = require("node:fs");
const { createBrotliDecompress } = require("node:zlib");
const [packed, plain] = process.argv.slice(1);
require("node:stream/promises").pipeline(
    createReadStream(packed), createBrotliDecompress(), createWriteStream(plain)
).catch((error) => { console.error(error); process.exitCode = 1; });
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """An executable, and the environment variables that it needs."""

    executable: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def find(playwright: Playwright) -> Chromium:
    """Return the first Chromium of: named by the variable, on the PATH, Playwright's, npm's.

    Elsewhere than on Linux x86-64, Playwright installs its own instead of npm's.
    """
    named = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)
    if named:
        return Chromium(Path(named))
    own = Path(playwright.chromium.executable_path)
    if own.exists():
        return Chromium(own)
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        return unpacked()
    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if done.returncode:
        pytest.fail(f"Playwright cannot install Chromium: name an installed one in {VARIABLE}")
    return Chromium(own)


def unpacked() -> Chromium:
    """Return npm's Chromium; install and unpack it unless an earlier run did."""
    package = node.install(PACKAGE)
    folder = node.PACKAGES / PACKAGE.replace("/", "-")
    with node.packages_locked():
        if not folder.exists():
            unpack(package / "bin", folder)
    return Chromium(
        folder / "chromium",
        {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")},
    )


def unpack(packed: Path, folder: Path) -> None:
    """Unpack the executable and its archives; ``folder`` appears when it is complete."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    _inflate(packed / "chromium.br", unfinished / "chromium")
    (unfinished / "chromium").chmod(0o755)
    for name in ARCHIVES:
        archive = unfinished / f"{name}.tar"
        _inflate(packed / f"{archive.name}.br", archive)
        with tarfile.open(archive) as opened:
            for member in opened:
                if content := opened.extractfile(member):
                    path = unfinished / member.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
        archive.unlink()
    (unfinished / "fonts.conf").write_text(FONTS.format(folder=escape(str(folder))))
    unfinished.rename(folder)


def _inflate(packed: Path, plain: Path) -> None:
    done = node.run("--eval", INFLATE, packed, plain)
    if done.returncode:
        pytest.fail(f"{packed} cannot be unpacked:\n{done.stderr}")
