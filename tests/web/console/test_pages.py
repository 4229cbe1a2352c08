"""The console's pages and buttons."""

import time

import pytest

from bridge.bootstrap import Bridge
from bridge.delivery.database.tables import audit, deliveries
from bridge.delivery.outbox import sink_states
from bridge.delivery.rules.sink import Happened, Outcome
from tests.delivery.arrivals import rows
from tests.delivery.sinks import ScriptedSink
from tests.translating import translate, translating
from tests.web.console.conftest import Visitor
from tests.web.console.events import EMAIL, PERSONAL, Post, deliver, did, store
from tests.webhooks import ANNA, webhook


def test_an_empty_bridge(visitor: Visitor) -> None:
    assert "No event has been received yet." in visitor.get("/events").text
    assert "No bulk replays yet." in visitor.get("/replays").text
    text = visitor.get("/").text
    assert "No errors within" in text
    assert "No events within" in text


@pytest.mark.parametrize(
    ("path", "name"), [("/", "Overview"), ("/events", "Events"), ("/replays", "Bulk replays"), ("/audit", "Audit")]
)
def test_the_navigation_and_the_titles_agree(visitor: Visitor, path: str, name: str) -> None:
    text = visitor.get(path).text
    assert f'aria-current="page">{name}</a>' in text
    assert f"<title>{name} · Bridge</title>" in text
    assert f"<h1>{name}</h1>" in text


def test_an_event_without_a_name_has_no_link_to_its_name(visitor: Visitor, post: Post) -> None:
    post(b"raw words")
    text = visitor.get("/").text
    assert "<td>(no name)</td>" in text
    assert "event=&" not in text
    assert 'event="' not in text


def test_the_overview_shows_errors_by_cause(visitor: Visitor, dead: str) -> None:
    text = visitor.get("/?period=1h").text
    assert "Voucherify → Segment" in text
    assert "rejected 400: Invalid" in text
    assert "1 dead letter" in text
    for hours in ("1h", "24h", "7d", "1 century"):
        assert visitor.get("/", query_string={"period": hours}).status_code == 200


@pytest.mark.parametrize("name", ["segment", "translation"])
def test_deliveries_and_translation_are_paused_and_resumed(visitor: Visitor, bridge: Bridge, name: str) -> None:
    store(bridge)
    with bridge.database.writing() as connection:
        sink_states.beat(connection, ["segment", "voucherify"], time.time())
    assert "ends it" not in visitor.get("/").text
    assert visitor.press("/", f"/pause/{name}").location == "/console/"
    text = visitor.get("/").text
    assert f"Paused: {name}." in text
    assert f"`bridge resume {name}` ends it" in text
    assert visitor.press("/", f"/resume/{name}").location == "/console/"
    assert "ends it" not in visitor.get("/").text
    assert [row["did"] for row in rows(bridge.database, audit)][1:] == ["paused", "resumed"]
    assert visitor.client.post(f"/console/pause/{name}").status_code == 400  # without the form's token


def test_messages_that_wait_for_translation_are_counted(visitor: Visitor, bridge: Bridge) -> None:
    store(bridge)
    text = " ".join(visitor.get("/").text.split())
    assert '<td class="number" data-label="pending">1</td>' in text
    assert "no worker translates webhooks; 1 pending" in text
    translate(bridge)
    assert "no worker translates" not in visitor.get("/").text


def test_a_message_that_waits_for_translation_is_shown_and_discarded(visitor: Visitor, bridge: Bridge) -> None:
    event_id = store(bridge)
    text = visitor.get(f"/events/{event_id}").text
    for said in ("pending", "waits for translation", "It is not translated yet."):
        assert said in text
    assert EMAIL not in text
    assert "/replay" not in text.replace("/replays", "")
    assert visitor.press(f"/events/{event_id}", "/discard").status_code == 302
    assert "discarded before it was translated" in visitor.get(f"/events/{event_id}").text
    assert "not translated yet" not in visitor.get(f"/events/{event_id}").text
    assert did(bridge) == [("console: Ada", "discarded", event_id)]


def test_the_page_of_a_duplicate_is_the_first_events(visitor: Visitor, bridge: Bridge, post: Post) -> None:
    first, second = post(), post()
    assert f"{second} is a duplicate of this event" in visitor.get(f"/events/{second}").text
    assert "is a duplicate" not in visitor.get(f"/events/{first}").text


def test_an_event_shows_the_reason_and_hides_customer_data(visitor: Visitor, dead: str) -> None:
    text = visitor.get(f"/events/{dead}").text
    for said in (
        "dead letter",
        "rejected 400",
        "What was received",
        "What was sent to Segment",
        "Responses",
        "Invalid",
    ):
        assert said in text
    for personal in PERSONAL:
        assert personal not in text
    assert "cust_anna" in text
    assert "is blocked" in text


def test_an_operator_reveals_customer_data_and_the_audit_records_it(
    visitor: Visitor, dead: str, bridge: Bridge
) -> None:
    text = visitor.press(f"/events/{dead}", "/reveal").text
    for personal in PERSONAL:
        assert personal in text
    assert did(bridge) == [("console: Ada", "saw customer data", dead)]
    assert "saw customer data" in visitor.get(f"/events/{dead}").text
    assert EMAIL not in visitor.get(f"/events/{dead}").text
    assert "saw customer data" in visitor.get("/audit").text


def test_attempts_that_are_not_stored_are_counted(visitor: Visitor, dead: str, bridge: Bridge) -> None:
    with bridge.database.writing() as connection:
        connection.execute(deliveries.update().values(omitted=12))
    assert "12 attempts between" in visitor.get(f"/events/{dead}").text


def test_a_dead_letter_is_replayed(visitor: Visitor, dead: str, bridge: Bridge) -> None:
    with translating(bridge):
        assert visitor.press(f"/events/{dead}", "/replay").location == f"/console/events/{dead}"
    text = visitor.get(f"/events/{dead}").text
    assert "Replayed: to be sent." in text
    deliver(bridge, Outcome(Happened.DELIVERED, 200))
    assert "The service has accepted it." in visitor.get(f"/events/{dead}").text
    assert did(bridge) == [("console: Ada", "replayed", dead)]


def test_a_dead_letter_is_discarded(visitor: Visitor, dead: str, bridge: Bridge) -> None:
    visitor.press(f"/events/{dead}", "/discard")
    text = visitor.get(f"/events/{dead}").text
    assert "Discarded." in text
    assert "An operator discarded it." in text
    assert "/discard" not in text
    assert "/replay" in text
    assert did(bridge) == [("console: Ada", "discarded", dead)]


@pytest.mark.parametrize(
    ("verdict", "became"),
    [
        ("delivered", ("The service has accepted it.", "marked as delivered")),
        ("again", ("It will be sent", "sent again")),
    ],
)
def test_an_uncertain_delivery_is_decided(
    visitor: Visitor, uncertain: str, bridge: Bridge, verdict: str, became: tuple[str, str]
) -> None:
    meaning, record = became
    visitor.press(f"/events/{uncertain}", "/decide", verdict=verdict)
    assert meaning in visitor.get(f"/events/{uncertain}").text
    assert did(bridge) == [("console: Ada", record, uncertain)]


def test_a_delivery_that_is_being_sent_is_not_discarded(visitor: Visitor, post: Post, bridge: Bridge) -> None:
    event_id = post()
    sink = ScriptedSink()
    sink.name = "segment"
    [worker] = [one for one in bridge.crew.workers if one.sink.name == "segment"]
    worker._outbox.claim(worker.sink, 2_000_000_000.0, 60.0)
    response = visitor.press(f"/events/{event_id}", "/discard")
    assert response.status_code == 409
    assert "try again" in response.text


def test_an_ignored_event_shows_the_reason(visitor: Visitor, post: Post) -> None:
    event_id = post(webhook("rewarded", {"customer": None, "holder": ANNA}))
    text = visitor.get(f"/events/{event_id}").text
    assert "The customer has no source_id" in text
    assert "No deliveries." in text


def test_a_quarantined_event_shows_the_reason_and_hides_other_bytes(visitor: Visitor, post: Post) -> None:
    event_id = post(b"raw words for Anna")
    text = visitor.get(f"/events/{event_id}").text
    assert "the body is not JSON" in text
    assert "raw words" not in text
    assert "raw words for Anna" in visitor.press(f"/events/{event_id}", "/reveal").text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 3),
        ({"status": "dead"}, 1),
        ({"status": "waiting"}, 2),
        ({"direction": "to_voucherify"}, 0),
        ({"customer": ANNA["source_id"]}, 3),
        ({"customer": "nobody"}, 0),
        ({"error": "invalid"}, 1),
        ({"event": "Customer Redemption Succeeded", "status": "dead"}, 1),
        ({"since": "2020-01-01T00:00"}, 3),
        ({"since": "2020-01-01", "until": "2020-01-02"}, 0),
        ({"until": "2999-01-01T00:00:00+02:00"}, 3),
    ],
    ids=str,
)
def test_the_list_is_filtered(visitor: Visitor, dead: str, post: Post, query: dict[str, str], count: int) -> None:
    post(unique="2"), post(unique="3")
    text = visitor.get("/events", query_string=query).text
    assert text.count("/console/events/01") == count
    assert ("No event matches the filter." in text) == (count == 0)


def test_an_invalid_time_is_reported(visitor: Visitor) -> None:
    response = visitor.get("/events?since=yesterday")
    assert response.status_code == 400
    assert "must be a time like" in response.text


def test_the_list_has_pages(visitor: Visitor, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.web.console.pages.events.PAGE", 2)
    ids = [post(unique=str(number)) for number in range(5)]
    seen: list[str] = []
    path = "/events?status=waiting"
    while path:
        text = visitor.get(path).text
        seen += [event_id for event_id in sorted(ids, reverse=True) if f"/console/events/{event_id}" in text]
        _, found, rest = text.partition('rel="next" href="/console')
        path = rest.partition('"')[0].replace("&amp;", "&") if found else ""
    assert seen == sorted(ids, reverse=True)


@pytest.mark.parametrize("path", ["/events/NOTHING", "/replays/NOTHING", "/nothing"])
def test_a_missing_object_is_answered_with_a_page(visitor: Visitor, path: str) -> None:
    response = visitor.get(path)
    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert "To the overview" in response.text


def test_an_unexpected_error_is_a_page_without_details(
    visitor: Visitor, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.web.console.pages.events.entries", None)
    response = visitor.get("/events")
    assert response.status_code == 500
    assert "NoneType" not in response.text


def test_the_size_of_a_body_is_limited(visitor: Visitor) -> None:
    assert visitor.client.post("/console/sign-out", data={"x": "y" * 70_000}).status_code == 413
