"""What operators and their machines see, of real processes on both databases."""

import json
import os
import time
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url

from tests.acceptance.books import Books
from tests.acceptance.conftest import Hire, Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import SEVERAL, WAIT, Server
from tests.acceptance.waiting import PATIENCE, until

NAME = "Customer Redemption Succeeded"


def scrape(server: Server) -> dict[str, float]:
    """The samples, by name and labels."""
    text = requests.get(f"{server.root}/metrics", timeout=PATIENCE).text
    return {
        ",".join([one.name, *sorted(one.labels.values())]): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_metrics_are_right_whichever_process_answers_and_after_a_restart(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL)
    assert len(server.workers()) == 2
    names = users(40)
    for name in names:
        assert server.status(redeems(name)) == "accepted"
    for name in names[:7]:
        assert server.status(redeems(name)) == "duplicate"
    for _ in range(5):
        assert server.post(redeems("a stranger's"), **{"X-Voucherify-Signature": "0" * 64}).status_code == 401
    books.wait_until_settled(40)
    until(lambda: scrape(server)["bridge_signature_failures_total,to_segment"] == 5, "refusals are written down")

    # Every scrape is a connection of its own, which either process may take.
    for _ in range(10):
        found = scrape(server)
        assert found[f"bridge_received_total,{NAME},to_segment"] == 47
        assert found[f"bridge_duplicates_total,{NAME},to_segment"] == 7
        assert found[f"bridge_delivered_total,{NAME},to_segment"] == 40
        assert found["bridge_delivery_seconds_count,segment"] == 40
        assert found["bridge_waiting,segment"] == 0
        assert found["bridge_signature_failures_total,to_segment"] == 5

    server.stop()
    again = serve(database_url, segment)
    assert scrape(again)[f"bridge_received_total,{NAME},to_segment"] == 47
    assert scrape(again)["bridge_signature_failures_total,to_segment"] == 5


def test_without_a_worker_it_is_degraded_until_there_is_one_again(
    database_url: str, serve: Serve, hire: Hire, segment: Receiver, books: Books
) -> None:
    worker = hire(database_url, segment)
    server = serve(database_url, segment, BRIDGE_WORKER="external")
    until(lambda: not server.checks(), "it is ready")

    worker.kill()
    # As if the time had passed after which its silence tells that it is gone.
    books.change("UPDATE sinks SET beat_at = beat_at - 15")
    books.change("UPDATE translators SET beat_at = beat_at - 15")
    until(
        lambda: (
            server.checks()
            == {"worker": "no worker delivers to segment", "translation": "no worker translates webhooks"}
        ),
        "it is degraded",
    )

    hire(database_url, segment)
    until(lambda: not server.checks(), "it is ready again")


def test_when_its_file_is_taken_away_it_is_not_ready_until_it_is_back(
    sqlite_url: str, serve: Serve, segment: Receiver
) -> None:
    server = serve(sqlite_url, segment)
    until(lambda: not server.checks(), "it is ready")
    folder = Path(make_url(sqlite_url).database or "").parent
    away = folder.with_name(f"{folder.name}-away")
    os.rename(folder, away)  # noqa: PTH104 - the path in ``folder`` stays what it is

    until(lambda: "database" in server.checks(), "it is not ready")

    os.rename(away, folder)  # noqa: PTH104 - as above
    until(lambda: not server.checks(), "it is ready again")


def test_what_is_settled_goes_after_its_time_while_more_comes_in(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    seconds = 2.0
    server = serve(database_url, segment, BRIDGE_RETENTION_DAYS=str(seconds / 86_400))
    for name in users(20, "old"):
        assert server.status(redeems(name)) == "accepted"
    books.wait_until_settled(20)
    books.hold_back()
    assert server.status(redeems("waits")) == "accepted"
    settled = time.time()
    until(
        lambda: time.time() > settled + seconds and books.rows("SELECT 1 FROM chores WHERE name = 'remove events'"),
        "it is old enough",
    )

    books.change("UPDATE chores SET at = 0 WHERE name = 'remove events'")

    until(lambda: books.events() == {"accepted": 1}, "the settled are gone")
    assert books.deliveries() == {"waiting": 1}
    assert books.attempts() == {}
    for name in users(20, "old"):
        assert server.status(redeems(name)) == "duplicate"


def test_an_event_is_followed_by_its_id_from_the_request_to_the_service(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment)
    response = server.post(redeems("ada"), **WAIT, **{"X-Request-Id": "of-the-proxy"})
    event_id = response.json()["id"]
    assert response.headers["X-Request-Id"] == "of-the-proxy"
    # Whatever else is said to be a request's id is not repeated; the server's log is read at the end.
    repeated = server.post(redeems("ada"), **WAIT, **{"X-Request-Id": "ada@example.com"})
    assert "@" not in repeated.headers["X-Request-Id"]
    segment.wait_for(["ada"])
    books.wait_until_settled(1)
    until(lambda: server.log.count('"translated"') == 2 and '"delivered"' in server.log, "the log tells")

    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    taken = [line for line in lines if line["message"] == "translated"]
    assert [line["status"] for line in taken] == ["accepted", "duplicate"]
    assert (taken[0]["event_id"], taken[0]["request_id"]) == (event_id, "of-the-proxy")
    assert taken[1]["request_id"] == repeated.headers["X-Request-Id"]
    [sent] = [line for line in lines if line["message"] == "delivered"]
    assert sent["event_ids"] == [event_id]
    [(kept,)] = books.rows("SELECT id FROM events")
    assert kept == event_id


def test_at_warning_a_delivered_event_is_not_logged(sqlite_url: str, serve: Serve, segment: Receiver) -> None:
    server = serve(sqlite_url, segment, BRIDGE_LOG_LEVEL="warning")
    assert server.status(redeems("ada")) == "accepted"
    Books(sqlite_url).wait_until_settled(1)
    server.stop()
    assert '"translated"' not in server.log
    assert '"delivered"' not in server.log
