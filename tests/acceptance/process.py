"""A process of the bridge, as an operator starts it: its surroundings, its log, its end."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.acceptance.waiting import PATIENCE, until
from tests.webhooks import SECRET

CHECKOUT = Path(__file__).parents[2]
WRITE_KEY = "the-write-key-of-the-source"
APP_ID, SECRET_KEY = "the-application-id", "the-sécret-key-of-the-project"

FAMILY_NAME, PHONE = "Ek-Sandström", "+46 40 123456"
"""Of every customer who has any."""

UNSPEAKABLE = re.compile(
    rf"{SECRET}|{WRITE_KEY}|{APP_ID}|{SECRET_KEY}|Traceback|[\w.+-]+@[\w-]+\.\w+|{FAMILY_NAME}|{re.escape(PHONE)}"
)
"""What must never be in a log: secrets, customers' addresses and names, stack traces."""

_OURS = ("BRIDGE_", "SEGMENT_", "VOUCHERIFY_", "GUNICORN_", "WEB_CONCURRENCY")


class Process:
    """One that may be stopped, killed and started again.

    Args:
        directory: it works there, and its log goes there.
        environment: its variables; nothing that decides about the bridge comes from the tests' own environment.
        command: the program and its arguments.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], command: Sequence[str]) -> None:
        self._directory = directory
        self._log = directory / "log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        # Two servers of one home would share gunicorn's control socket.
        self._environment = {**inherited, "HOME": str(directory), "PYTHONPATH": str(CHECKOUT), **environment}
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def master(self) -> int:
        assert self._process
        return self._process.pid

    def workers(self) -> list[int]:
        """The processes that it has started."""
        return [child.pid for child in psutil.Process(self.master).children() if lives(child.pid)]

    def launch(self) -> None:
        """Start, and wait for nothing."""
        self._directory.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._directory, env=self._environment, stdout=log, stderr=log
            )

    def wait(self) -> int:
        """Its exit code. A worker that is told to stop finishes what it sends, which may take half a minute."""
        assert self._process
        return self._process.wait(2 * PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """As a power cut does. The master first, so that it starts no more workers."""
        doomed = [self.master, *self.workers()]
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)
        self.wait()
        until(lambda: not any(map(lives, doomed)), "the processes are gone")

    def terminate(self) -> None:
        """Ask it to stop, if it runs."""
        if self._process and self._process.poll() is None:
            self.signal(signal.SIGTERM)

    def close(self) -> None:
        """However the test ended: nothing stays behind."""
        self.terminate()
        if self._process:
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()

    def assert_runs(self) -> None:
        assert self._process
        assert self._process.poll() is None, self.log

    def assert_discreet(self) -> None:
        """The log holds nothing that a log must not hold."""
        found = UNSPEAKABLE.search(self.log)
        assert not found, self.log[max(0, found.start() - 3000) : found.end() + 3000]


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
