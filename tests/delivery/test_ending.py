"""A worker that ends during a slow call: the call ends, and no other begins."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import SOON_SECONDS, Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Sink
from bridge.demo.serving import Served
from bridge.demo.voucherify import Call, VoucherifyStandIn
from bridge.messages import Arrival, Outgoing, Status
from bridge.sinks.segment import SegmentSink
from bridge.sinks.voucherify import VoucherifySink
from tests.delivery.arrivals import keep, packed, rows
from tests.delivery.patience import until
from tests.delivery.sinks import ScriptedSink

SLOW_SECONDS = 1.0
COUNT = 40


def fill(database: Database, sink: str, payload: Callable[[int], Any]) -> None:
    for number in range(COUNT):
        content = json.dumps(payload(number)).encode()
        outgoing = Outgoing(sink, f"key-{number}", content, lane=f"customer-{number}")
        arrival = Arrival(Status.ACCEPTED, "Paid", "", "anna-1", None, (outgoing,))
        keep(database, packed(content, arrival, 1_000.0))


def seconds_to_end(database: Database, sink: Sink, is_sending: Callable[[], object]) -> float:
    """Run a worker until it sends, then stop it, and return the seconds until its end."""
    stop = threading.Event()
    worker = Worker(Outbox(database), sink, Policy(max_age=86_400.0))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(is_sending)
    stop.set()
    told_at = time.monotonic()
    thread.join(worker.patience)
    assert not thread.is_alive()
    return time.monotonic() - told_at


def custom_event(number: int) -> Any:
    body = {"event": "Paid", "customer": {"source_id": f"customer-{number}"}}
    return {"action": "add_custom_event", "path": "/v1/events", "body": body}


def test_custom_events(database: Database) -> None:
    stand_in = VoucherifyStandIn()

    def posts() -> list[Call]:
        return [call for call in stand_in.calls if call.method == "POST"]

    def slow(_: Call, work: Callable[[], Response]) -> Response:
        time.sleep(SLOW_SECONDS)
        return work()

    stand_in.fault = slow
    fill(database, "voucherify", custom_event)
    with Served(stand_in.app()) as served:
        seconds = seconds_to_end(database, VoucherifySink("app", "key", served.url), posts)
    assert seconds < 3 * SLOW_SECONDS
    assert len(posts()) == 1
    assert sorted(row["status"] for row in rows(database, deliveries)) == ["delivered"] + ["waiting"] * (COUNT - 1)


def test_a_wait_for_the_rate_limit(database: Database) -> None:
    asked: list[float] = []

    def allow() -> float:
        asked.append(time.monotonic())
        return 20.0

    fill(database, "voucherify", custom_event)
    assert seconds_to_end(database, VoucherifySink("app", "key", "http://127.0.0.1:9", allow=allow), lambda: asked) < 3
    assert {row["status"] for row in rows(database, deliveries)} == {"waiting"}


def test_a_batch_that_is_halved(database: Database) -> None:
    posts: list[float] = []
    app = Flask("bridge")

    @app.post("/v1/batch")
    def batch() -> tuple[str, int]:
        posts.append(time.monotonic())
        time.sleep(SLOW_SECONDS)
        return "no", 400

    fill(database, "segment", lambda number: {"userId": f"{number}", "event": "E", "messageId": f"{number}"})
    with Served(app) as served:
        seconds = seconds_to_end(database, SegmentSink("key", served.url), lambda: posts)
    assert seconds < 3 * SLOW_SECONDS
    assert len(posts) == 1
    assert {row["status"] for row in rows(database, deliveries)} == {"waiting"}


@pytest.mark.parametrize(("seconds_each", "most"), [(0.5, SOON_SECONDS / 0.5), (60.0, 1), (0.001, 1_000)])
def test_no_more_is_claimed_than_is_sent_soon(database: Database, seconds_each: float, most: float) -> None:
    sink = ScriptedSink(max_count=1_000, max_bytes=1_000_000)
    worker = Worker(Outbox(database), sink, Policy(max_age=86_400.0))
    worker._seconds_each = seconds_each
    fill(database, sink.name, lambda number: number)
    assert worker.step()
    assert len(sink.sent) == min(most, COUNT)
