"""The demo: the real application under gunicorn, a stand-in for Segment, and all 12 events posted over HTTP."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import requests

from bridge.demo.samples import all_webhooks
from bridge.demo.segment import SegmentStandIn, Served
from bridge.errors import BridgeError
from bridge.signature import HEADER, sign

SECRET, WRITE_KEY = "demo-secret", "demo-write-key"

STARTING = 20.0
ARRIVING = 20.0
"""Seconds after which something must be wrong."""


class DemoFailed(BridgeError):
    """The demo did not do what it shows. The text says what, and ends with the server's own words."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running bridge and what it delivers to."""

    url: str
    segment: SegmentStandIn
    log: Path

    @property
    def webhook_url(self) -> str:
        """Where Voucherify would post."""
        return f"{self.url}/webhooks/voucherify"

    def post(self, body: bytes) -> Mapping[str, Any]:
        """Post a webhook as Voucherify does, and return the answer."""
        response = post(self.webhook_url, body, SECRET)
        if not response.ok:
            raise DemoFailed(f"the bridge answered {response.status_code}\n{self.log.read_text()}")
        answer: Mapping[str, Any] = response.json()
        return answer


def post(url: str, body: bytes, secret: str) -> requests.Response:
    """Post a signed webhook."""
    headers = {"Content-Type": "application/json", HEADER: sign(body, secret)}
    return requests.post(url, data=body, headers=headers, timeout=10)


@contextmanager
def stage(port: int = 0) -> Iterator[Stage]:
    """A bridge on a database that is thrown away, delivering to a stand-in.

    Args:
        port: any free one, if 0.

    Raises:
        DemoFailed: it does not start.
    """
    segment = SegmentStandIn(WRITE_KEY)
    with TemporaryDirectory(prefix="bridge-demo-") as folder, Served(segment.app()) as served:
        log = Path(folder, "gunicorn.log")
        address = f"127.0.0.1:{port or _free_port()}"
        environment = os.environ | {
            "SEGMENT_WRITE_KEY": WRITE_KEY,
            "SEGMENT_HOST": served.url,
            "VOUCHERIFY_WEBHOOK_SECRET": SECRET,
            "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/demo.db",
            "BRIDGE_WORKER": "embedded",
        }
        command = [sys.executable, "-m", "gunicorn", "bridge.web:create_app()", "--bind", address]
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
                [*command, "--workers", "2", "--threads", "4"],
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            stage = Stage(f"http://{address}", segment, log)
            _wait_until_up(stage, server)
            yield stage
        finally:
            server.terminate()
            server.wait()


def play(stage: Stage) -> None:
    """Post the 12 events and wait until all have arrived.

    Raises:
        DemoFailed: they have not.
    """
    names = set(all_webhooks(unique := uuid4().hex[:12]))
    for body in all_webhooks(unique).values():
        stage.post(body)
    deadline = time.monotonic() + ARRIVING
    while {event["event"] for event in stage.segment.events} != names:
        if time.monotonic() > deadline:
            raise DemoFailed(f"not everything arrived at the stand-in\n{stage.log.read_text()}")
        time.sleep(0.05)


def _wait_until_up(stage: Stage, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and server.poll() is None:
        try:
            requests.get(stage.url, timeout=1)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise DemoFailed(f"gunicorn does not start\n{stage.log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
