"""The bridge as an operator runs it: gunicorn with processes of its own, spoken to over HTTP."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import requests

from tests.acceptance.waiting import PATIENCE, until
from tests.webhooks import SECRET, signed

CHECKOUT = Path(__file__).parents[2]
WRITE_KEY = "the-write-key-of-the-source"

UNSPEAKABLE = re.compile(rf"{SECRET}|{WRITE_KEY}|Traceback|[\w.+-]+@[\w-]+\.\w+")
"""What must never be in a log: secrets, customers' addresses, stack traces."""

_OURS = ("BRIDGE_", "SEGMENT_", "VOUCHERIFY_", "GUNICORN_", "WEB_CONCURRENCY")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """``gunicorn wsgi:app`` on a port of its own.

    Args:
        directory: it works there, and its log goes there.
        environment: its variables; nothing that decides about the bridge comes from the tests' own environment.
        options: gunicorn's, beside two gthread workers.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], options: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/webhooks/voucherify"
        self._directory = directory
        self._log = directory / "log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        # Two servers of one home would share gunicorn's control socket.
        self._environment = {**inherited, "HOME": str(directory), **environment}
        self._command = [
            *(sys.executable, "-m", "gunicorn", "wsgi:app", "--pythonpath", str(CHECKOUT)),
            *("--bind", f"127.0.0.1:{self.port}"),
            *("--workers", "2", "--worker-class", "gthread", "--threads", "8"),
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def master(self) -> int:
        assert self._process
        return self._process.pid

    def workers(self) -> list[int]:
        """The processes that serve and deliver."""
        children = psutil.Process(self.master).children()
        return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE]

    def launch(self) -> None:
        """Start, and wait for nothing."""
        self._directory.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._directory, env=self._environment, stdout=log, stderr=log
            )

    def start(self) -> None:
        self.launch()
        until(self._serves, "it serves")

    def wait(self) -> int:
        """Its exit code."""
        assert self._process
        return self._process.wait(PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill_workers(self) -> None:
        """As the kernel does when memory is short: without a word. The master starts others."""
        killed = self.workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(_lives, killed)), "the workers are gone")

    def kill(self) -> None:
        """As a power cut does. The master first, so that it starts no more workers."""
        doomed = [self.master, *self.workers()]
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)
        self.wait()
        until(lambda: not any(map(_lives, doomed)), "the processes are gone")

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

    def assert_discreet(self) -> None:
        """The log holds nothing that a log must not hold."""
        found = UNSPEAKABLE.search(self.log)
        assert not found, self.log[max(0, found.start() - 3000) : found.end() + 3000]

    def limit_files(self, size: int) -> None:
        """From now on no file can grow beyond ``size``: to a process it is a full disk."""
        for pid in (self.master, *self.workers()):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def post(self, body: bytes, **headers: str) -> requests.Response:
        """One signed webhook, on a connection of its own."""
        return requests.post(self.url, data=body, headers={**signed(body), **headers}, timeout=PATIENCE)

    def status(self, body: bytes) -> str:
        """Post it, expect a 2xx, and say what became of it."""
        response = self.post(body)
        assert response.status_code == 202, response.text
        status: str = response.json()["status"]
        return status

    def deliver(self, body: bytes) -> None:
        """Post it as Voucherify does: again, until there is a 2xx."""

        def taken() -> bool:
            try:
                return self.post(body).ok
            except requests.ConnectionError:
                return False

        until(taken, "a 2xx")

    def _serves(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log
        try:
            return requests.get(self.url, timeout=PATIENCE).status_code == 405
        except requests.ConnectionError:
            return False


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
