"""Several processes that begin at the same moment."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("contender.py")


def contend(what: str, url: str, processes: int) -> list[Any]:
    """Return the output of each process."""
    running = [_start(what, url) for _ in range(processes)]
    try:
        for one in running:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in running:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        return [json.loads(one.communicate(timeout=60)[0]) for one in running]
    finally:
        for one in running:
            one.kill()
            one.communicate()


def _start(what: str, url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(PROGRAM), what, url]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
