"""Run the demo.

The real application runs under gunicorn, with a stand-in at each end. Everything is posted over HTTP.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import requests

from bridge.demo.calls import CALLS, call, credentials, track
from bridge.demo.samples import all_webhooks
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.demo.voucherify import Call, VoucherifyStandIn
from bridge.errors import DemoFailed
from bridge.signature import HEADER, sign

SECRET, WRITE_KEY = "demo-secret", "demo-write-key"
APP_ID, SECRET_KEY = "demo-app-id", "demo-secret-key"
ADMIN_TOKEN = "demo-admin-token"  # noqa: S105 - the console ends with the demo
SOURCE_KEY = "demo-source-key"
"""The write key of the bridge's own tracking API."""

START_SECONDS = 20.0
ARRIVAL_SECONDS = 20.0
"""Seconds after which the demo fails."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running bridge, and the stand-ins that it delivers to."""

    url: str
    segment: SegmentStandIn
    voucherify: VoucherifyStandIn
    log: Path

    @property
    def webhook_url(self) -> str:
        """The address to which Voucherify posts."""
        return f"{self.url}/webhooks/voucherify"

    def accepted(self, response: requests.Response) -> None:
        """Check that the bridge has accepted a request.

        Raises:
            DemoFailed: it has not.
        """
        if not response.ok or response.json().get("status", "accepted") not in ("accepted", "stored"):
            raise DemoFailed(f"the bridge answered {response.status_code} {response.text}\n{self.log.read_text()}")


def post(url: str, body: bytes, secret: str) -> requests.Response:
    """Post a signed webhook, and wait for its outcome."""
    headers = {"Content-Type": "application/json", "Prefer": "wait=10", HEADER: sign(body, secret)}
    return requests.post(url, data=body, headers=headers, timeout=20)


@contextmanager
def stage(port: int = 0) -> Iterator[Stage]:
    """Run a bridge with a temporary database, which delivers to stand-ins.

    Args:
        port: 0 for any free port.

    Raises:
        DemoFailed: the bridge does not start.
    """
    segment, voucherify = SegmentStandIn(WRITE_KEY), VoucherifyStandIn(APP_ID, SECRET_KEY)
    with (
        TemporaryDirectory(prefix="bridge-demo-") as folder,
        Served(segment.app()) as segment_api,
        Served(voucherify.app()) as voucherify_api,
    ):
        log = Path(folder, "gunicorn.log")
        address = f"127.0.0.1:{_bound(port)}"
        environment = os.environ | {
            "SEGMENT_WRITE_KEY": WRITE_KEY,
            "SEGMENT_HOST": segment_api.url,
            "VOUCHERIFY_WEBHOOK_SECRET": SECRET,
            "VOUCHERIFY_APP_ID": APP_ID,
            "VOUCHERIFY_SECRET_KEY": SECRET_KEY,
            "VOUCHERIFY_API_URL": voucherify_api.url,
            "BRIDGE_WRITE_KEYS": SOURCE_KEY,
            "BRIDGE_MAPPINGS": "",
            "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/demo.db",
            "BRIDGE_WORKER": "embedded",
            "BRIDGE_ADMIN_TOKEN": ADMIN_TOKEN,
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
            stage = Stage(f"http://{address}", segment, voucherify, log)
            _wait_until_up(stage, server)
            yield stage
        finally:
            server.terminate()
            server.wait()


def play(stage: Stage) -> None:
    """Post the 12 events, the five kinds of call and a raw event, and wait for all.

    Raises:
        DemoFailed: they do not arrive in time.
    """
    webhooks = all_webhooks(uuid4().hex[:12])
    for body in webhooks.values():
        stage.accepted(post(stage.webhook_url, body, SECRET))
    headers = credentials(APP_ID, SECRET_KEY)
    for kind in CALLS:
        stage.accepted(call(stage.url, kind, headers))
    stage.accepted(track(stage.url, SOURCE_KEY))
    expected = len(CALLS) + 1
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while len(stage.segment.events) < len(webhooks) or len(changes(stage.voucherify)) < expected:
        if time.monotonic() > deadline:
            raise DemoFailed(f"not everything arrived at the stand-ins\n{stage.log.read_text()}")
        time.sleep(0.05)


def changes(voucherify: VoucherifyStandIn) -> list[Call]:
    """Return the calls that change something at Voucherify, without its reads."""
    return [call_ for call_ in voucherify.calls if call_.method == "POST"]


def _wait_until_up(stage: Stage, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            requests.get(stage.url, timeout=1)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise DemoFailed(f"gunicorn does not start\n{stage.log.read_text()}")


def _bound(port: int) -> int:
    """Return ``port``, or any free port if it is 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoFailed(f"port {port} is taken") from error
        bound: int = probe.getsockname()[1]
        return bound
