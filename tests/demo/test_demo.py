"""``bridge demo`` and ``bridge worker``, as separate processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.bootstrap import build
from bridge.demo.play import SECRET
from bridge.demo.samples import webhook
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.doors import VOUCHERIFY_WEBHOOKS
from bridge.settings import Settings
from bridge.signature import sign
from bridge.to_segment.catalogue import EVENTS

pytestmark = pytest.mark.slow

BRIDGE = (sys.executable, "-c", "from bridge.cli import main; main()")
PATIENCE = 60.0


def until(stands: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not stands():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_once_shows_all_twelve_and_exits(tmp_path: Path) -> None:
    done = subprocess.run(
        [*BRIDGE, "demo", "--once"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "200"},
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for event in EVENTS:
        assert event.name in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_json_has_every_event_completely(tmp_path: Path) -> None:
    done = subprocess.run(
        [*BRIDGE, "demo", "--once", "--json"], capture_output=True, cwd=tmp_path, timeout=PATIENCE, check=True
    )
    shown = json.loads(done.stdout)
    arrived = shown["segment"]
    assert {one["event"] for one in arrived} == {event.name for event in EVENTS}
    assert len({one["messageId"] for one in arrived}) == 12
    for one in arrived:
        assert one["userId"] == "ada-1815"
        assert one["integrations"] == {"Voucherify (Actions)": False}
        assert "anonymousId" not in one
    calls = [(one["method"], one["path"], one["body"].get("event")) for one in shown["voucherify"]]
    # The raw event has a queue of its own: between queues there is no order.
    calls.remove(("POST", "/v1/events", "Book Reviewed"))
    assert calls == [
        ("POST", "/v1/customers", None),
        ("POST", "/v1/events", "Book Ordered"),
        ("POST", "/v1/events", "Viewed Bestsellers Page"),
        ("POST", "/v1/events", "Viewed Basket Screen"),
        ("POST", "/v1/customers", None),
    ]
    customer, group = [one["body"] for one in shown["voucherify"] if one["path"] == "/v1/customers"]
    assert (customer["source_id"], customer["name"], customer["birthdate"]) == (
        "ada-1815",
        "Ada Lovelace",
        "1815-12-10",
    )
    assert group == {
        "source_id": "ada-1815",
        "email": "ada@example.com",
        "metadata": {"group_id": "book-club", "group_plan": "gold", "group_seats": "12"},
    }


def test_the_demo_stays_open_for_manual_tests(tmp_path: Path) -> None:
    environment = os.environ | {"VOUCHERIFY_WEBHOOK_SECRET": SECRET, "PYTHONUNBUFFERED": "1"}
    log = tmp_path / "log"
    with log.open("wb") as output, subprocess.Popen([*BRIDGE, "demo"], stdout=output, env=environment) as demo:
        try:
            until(lambda: "bridge trigger" in log.read_text(), "it says how to go on")
            [command] = [line.split() for line in log.read_text().splitlines() if "bridge trigger" in line]
            subprocess.run([*BRIDGE, *command[1:]], check=True, env=environment, timeout=PATIENCE)
            until(lambda: "Segment: Customer Redemption Succeeded, userId ada-1815" in log.read_text(), "it shows it")
        finally:
            demo.send_signal(signal.SIGINT)
        assert demo.wait(PATIENCE) == 0
    assert "The demo has ended" in log.read_text()


def test_a_server_that_does_not_start_is_reported(tmp_path: Path) -> None:
    environment = os.environ | {"BRIDGE_MAX_BODY_BYTES": "nonsense"}
    done = subprocess.run(
        [*BRIDGE, "demo", "--once"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "gunicorn does not start" in done.stderr
    assert "BRIDGE_MAX_BODY_BYTES" in done.stderr


def test_a_worker_of_its_own_delivers_and_ends_on_sigterm(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = SegmentStandIn()
    with Served(segment.app()) as served:
        monkeypatch.setenv("SEGMENT_WRITE_KEY", "write-key")
        monkeypatch.setenv("SEGMENT_HOST", served.url)
        monkeypatch.setenv("VOUCHERIFY_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("BRIDGE_DATABASE_URL", sqlite_url)
        monkeypatch.setenv("BRIDGE_WORKER", "external")
        with subprocess.Popen([*BRIDGE, "worker"]) as worker:
            body = webhook(EVENTS[0], "1")
            bridge = build(Settings.from_env())
            bridge.intakes[VOUCHERIFY_WEBHOOKS].take(body, sign(body, SECRET), "request")
            until(lambda: segment.events, "it is delivered")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(PATIENCE) == 0
        bridge.close()
