"""The bridge as an operator runs it: gunicorn with processes of its own, spoken to over HTTP; and ``bridge worker``."""

import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import requests

from bridge.gunicorn_settings import worker_class
from tests.acceptance.process import APP_ID, CHECKOUT, SECRET_KEY, WRITE_KEY, Process, lives
from tests.acceptance.waiting import PATIENCE, until
from tests.webhooks import signed

__all__ = ["APP_ID", "CHECKOUT", "SECRET_KEY", "SEVERAL", "WAIT", "WRITE_KEY", "Deliverer", "Server", "free_port"]

WAIT = {"Prefer": "wait=10"}
"""The header of a sender that wants to know what becomes of its message."""

SEVERAL = ("--workers", "2")
"""Options for who must be right across processes: each that starts costs seconds."""


# Below those that the kernel gives to outgoing connections, and in each test process from another one on: nobody takes
# a port between the look and its use.
_ports = (10_000 + number % 20_000 for number in count(os.getpid() * 64))


def free_port() -> int:
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports do not end")


class Server(Process):
    """``gunicorn wsgi:app`` on a port of its own.

    Args:
        options: gunicorn's, beside one worker of the shipped class.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], options: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/webhooks/voucherify"
        command = [
            *(sys.executable, "-m", "gunicorn", "wsgi:app", "--pythonpath", str(CHECKOUT)),
            *("--bind", f"127.0.0.1:{self.port}"),
            *("--workers", "1", "--worker-class", worker_class, "--threads", "8"),
            *options,
        ]
        super().__init__(directory, environment, command)

    def start(self) -> None:
        self.launch()
        until(self._serves, "it serves")

    def checks(self) -> dict[str, str | None]:
        """What ``/readyz`` finds wrong, by check; nothing when it is ready."""
        response = requests.get(f"{self.root}/readyz", timeout=PATIENCE)
        told = response.json()
        found = {name: check["reason"] for name, check in told["checks"].items() if not check["ok"]}
        cannot_store = bool(found.keys() & {"database", "schema"})
        assert response.status_code == (503 if cannot_store else 200)
        assert told["status"] == ("unready" if cannot_store else "degraded" if found else "ready")
        return found

    def kill_workers(self) -> None:
        """As the kernel does when memory is short: without a word. The master starts others."""
        killed = self.workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(lives, killed)), "the workers are gone")

    def limit_files(self, size: int) -> None:
        """From now on no file can grow beyond ``size``: to a process it is a full disk."""
        for pid in (self.master, *self.workers()):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def post(self, body: bytes, **headers: str) -> requests.Response:
        """One signed webhook, on a connection of its own."""
        return requests.post(self.url, data=body, headers={**signed(body), **headers}, timeout=PATIENCE)

    def outcome(self, body: bytes, **headers: str) -> Mapping[str, Any]:
        """Post it, expect a 2xx, and wait for what becomes of it."""
        response = self.post(body, **WAIT, **headers)
        assert response.status_code == 202, response.text
        assert response.headers.get("Preference-Applied") == "wait", response.text
        outcome: Mapping[str, Any] = response.json()
        return outcome

    def status(self, body: bytes) -> str:
        """Post it, expect a 2xx, and say what became of it."""
        return str(self.outcome(body)["status"])

    def store(self, body: bytes) -> str:
        """Post it, expect that it is stored, and return its id."""
        response = self.post(body)
        assert response.status_code == 202, response.text
        assert response.json()["status"] == "stored"
        return str(response.json()["id"])

    def deliver(self, body: bytes) -> None:
        """Post it as Voucherify does: again, until there is a 2xx."""

        def taken() -> bool:
            try:
                return self.post(body).ok
            except (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                return False  # before or amid the answer

        until(taken, "a 2xx", patience=3 * PATIENCE)

    def _serves(self) -> bool:
        self.assert_runs()
        try:
            # 404 where the direction is off.
            return requests.get(self.url, timeout=PATIENCE).status_code in (404, 405)
        except requests.ConnectionError:
            return False


class Deliverer(Process):
    """``bridge worker``, from this checkout."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        program = "from bridge.cli import main; main(['worker'])"
        super().__init__(directory, {**environment, "BRIDGE_WORKER": "external"}, [sys.executable, "-c", program])
