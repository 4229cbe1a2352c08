"""Health and metrics from inside; the acceptance tests read them from outside."""

import re
import time
from collections.abc import Iterator

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import queues
from bridge.delivery.rules.presence import FOREVER
from bridge.operations.monitoring.health import NOTHING
from bridge.settings import Settings, ToSegment
from bridge.web import create_app, health
from bridge.web.request_log import HEADER
from tests.delivery.arrivals import keep, received
from tests.delivery.patience import until
from tests.translating import translate
from tests.webhooks import SECRET, encode, redemption, signed, webhook


@pytest.fixture
def app(sqlite_url: str) -> Iterator[Flask]:
    to_segment = ToSegment("write-key", "http://127.0.0.1:1", gzip=False, webhook_secrets=(SECRET,))
    made = create_app(
        Settings(
            to_segment,
            None,
            "https://api.voucherify.io",
            sqlite_url,
            embedded_worker=False,
            max_body_bytes=10_000,
            max_age=86_400.0,
        )
    )
    yield made
    made.extensions["bridge"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def scraped(client: FlaskClient) -> dict[str, float]:
    """Return samples by name and labels, as they are written."""
    response = client.get("/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.get_data(as_text=True))
    return {
        ",".join([one.name, *(f"{name}={value}" for name, value in sorted(one.labels.items()))]): one.value
        for family in families
        for one in family.samples
    }


def test_a_process_that_answers_is_alive(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "alive"}


def test_a_process_without_a_worker_anywhere_stores_and_says_what_is_missing(client: FlaskClient) -> None:
    until(lambda: client.get("/readyz").get_json()["checks"]["database"]["ok"])
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.get_json() == {
        "status": "degraded",
        "checks": {
            "database": {"ok": True, "reason": None},
            "schema": {"ok": True, "reason": None},
            "worker": {"ok": False, "reason": "no worker delivers to segment"},
            "translation": {"ok": False, "reason": "no worker translates webhooks"},
            "pauses": {"ok": True, "reason": None},
            "errors": {"ok": True, "reason": None},
        },
    }


def test_a_process_that_has_not_found_out_yet_whether_it_can_store_is_not_ready() -> None:
    app = Flask(__name__)
    app.register_blueprint(health.blueprint(lambda: NOTHING.problems(0.0)))
    response = app.test_client().get("/readyz")
    checks = {name: {"ok": False, "reason": "not checked yet"} for name in ("database", "schema")}
    assert (response.status_code, response.get_json()) == (503, {"status": "unready", "checks": checks})


def test_metrics_of_an_empty_bridge_can_be_read(client: FlaskClient) -> None:
    assert scraped(client)["bridge_signature_failures_total,direction=to_segment"] == 0


def test_metrics_are_what_is_in_the_database(client: FlaskClient, app: Flask) -> None:
    database: Database = app.extensions["bridge"].database
    keep(database, received("a", at=time.time()), received("a", at=time.time()))
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sinks (name, paused_until, beat_at) VALUES ('segment', 9999999999, 1) "
            "ON CONFLICT (name) DO UPDATE SET paused_until = 9999999999"
        )
        connection.exec_driver_sql(
            "INSERT INTO latencies (bucket, sink, up_to, shard, count, seconds) VALUES (0, 'segment', 0.25, 0, 3, 0.6)"
        )
    found = scraped(client)
    labels = "direction=to_segment,event=Customer Rewarded"
    assert found[f"bridge_received_total,{labels}"] == 2
    assert found[f"bridge_duplicates_total,{labels}"] == 1
    assert found["bridge_waiting,sink=segment"] == 1
    assert found["bridge_sink_paused,sink=segment"] == 1
    assert found["bridge_delivery_seconds_bucket,le=0.1,sink=segment"] == 0
    assert found["bridge_delivery_seconds_bucket,le=0.25,sink=segment"] == 3
    assert found["bridge_delivery_seconds_bucket,le=+Inf,sink=segment"] == 3
    assert found["bridge_delivery_seconds_sum,sink=segment"] == pytest.approx(0.6)


def test_metrics_say_what_waits_for_translation(client: FlaskClient, app: Flask) -> None:
    body = encode(webhook("redemption.succeeded", redemption()))
    assert client.post("/webhooks/voucherify", data=body, headers=signed(body)).status_code == 202
    database: Database = app.extensions["bridge"].database
    with database.writing() as connection:
        queues.beat(connection, {"webhooks": "a problem"}, time.time() - 2)
        queues.pause(connection, FOREVER)
    found = scraped(client)
    assert found["bridge_pending_messages,queue=webhooks"] == 1
    assert found["bridge_pending_messages,queue=calls"] == 0
    assert 0 < found["bridge_oldest_pending_seconds,queue=webhooks"] < 60
    assert found["bridge_translation_problem,queue=webhooks"] == 1
    assert found["bridge_translation_paused,queue=webhooks"] == 1
    assert 1 < found["bridge_translator_beat_age_seconds,queue=webhooks"] < 60
    assert "bridge_translator_beat_age_seconds,queue=events" not in found
    translate(app.extensions["bridge"])
    assert scraped(client)["bridge_pending_messages,queue=webhooks"] == 1, "it is paused"


def test_a_refused_call_is_counted_where_it_was_going(client: FlaskClient, app: Flask) -> None:
    assert client.post("/webhooks/voucherify", json={}).status_code == 401
    assert client.post("/nowhere", json={}).status_code == 404
    assert app.extensions["bridge"].refusals.take() == {"to_segment": 1}


@pytest.mark.parametrize("given", ["proxy-1:2_a.B", "x" * 64])
def test_a_request_is_called_as_a_proxy_calls_it(client: FlaskClient, given: str) -> None:
    assert client.get("/healthz", headers={HEADER: given}).headers[HEADER] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "é", "<script>", '{"a": 1}'])
def test_what_a_stranger_writes_is_not_repeated(client: FlaskClient, given: str) -> None:
    answered = client.get("/healthz", headers={HEADER: given} if given else {}).headers[HEADER]
    assert re.fullmatch("[0-9a-f]{32}", answered)


def test_an_event_is_one_line_in_the_log_with_the_id_of_its_request(client: FlaskClient, app: Flask) -> None:
    body = encode(webhook("redemption.succeeded", redemption()))
    with structlog.testing.capture_logs() as lines:
        answer = client.post("/webhooks/voucherify", data=body, headers={**signed(body), HEADER: "of-the-proxy"})
        translate(app.extensions["bridge"])
    assert [one for one in lines if one["event"] == "translated"] == [
        {
            "event": "translated",
            "log_level": "info",
            "direction": "to_segment",
            "event_name": "Customer Redemption Succeeded",
            "status": "accepted",
            "reason": None,
            "event_id": answer.get_json()["id"],
            "request_id": "of-the-proxy",
        }
    ]
