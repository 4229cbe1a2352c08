"""Segment's sink against servers on a socket: requests and outcomes."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest
from flask import Response, request
from segment.analytics import request as sdk

from bridge.delivery.rules.sink import Happened, Outcome, Parcel
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.json_text import write
from bridge.sinks.segment import BATCH_BYTES, SegmentSink
from bridge.to_segment.fit import LIMIT

Answer = Callable[[Any], Response | None]


def message(number: int = 1, **changes: Any) -> bytes:
    told = {"type": "track", "messageId": f"bridge-{number}", "userId": "anna-1", "event": "Customer Rewarded"}
    return write({**told, "properties": {"name": "Åsa"}} | changes)


@pytest.fixture(autouse=True)
def closed_connections() -> Iterator[None]:
    yield
    sdk._session.close()


@pytest.fixture
def segment() -> Iterator[SegmentStandIn]:
    stand_in = SegmentStandIn(write_key="write-key")
    with Served(stand_in.app()) as served:
        stand_in.url = served.url  # type: ignore[attr-defined] # the fixture sets it
        yield stand_in


@pytest.fixture
def sink(segment: SegmentStandIn) -> SegmentSink:
    return SegmentSink("write-key", segment.url)  # type: ignore[attr-defined] # the fixture sets it


def answering(status: int, body: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Response(body, status=status, headers=named)


def parcel(number: int = 1, **changes: Any) -> Parcel:
    return Parcel(message(number, **changes))


def happened(outcomes: Any) -> list[str]:
    return [outcome.happened for outcome in outcomes]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_batch_arrives_as_it_was_stored(*, segment: SegmentStandIn, compressed: bool) -> None:
    seen: list[bytes] = []

    def look(_: Any) -> None:
        body = request.get_data()
        assert (request.headers.get("Content-Encoding") == "gzip") is compressed
        seen.append(gzip.decompress(body) if compressed else body)

    segment.fault = look
    payloads = [message(number) for number in range(3)]
    sink = SegmentSink("write-key", segment.url, gzip=compressed)  # type: ignore[attr-defined] # the fixture sets it
    assert happened(sink.send([Parcel(payload) for payload in payloads])) == ["delivered"] * 3
    assert segment.batches == [[json.loads(payload) for payload in payloads]]
    assert all(payload in seen[0] for payload in payloads), "what was measured is what is sent"


def test_the_largest_batch_is_within_segments_limit(segment: SegmentStandIn, sink: SegmentSink) -> None:
    payload = message(properties={"note": "x" * 30_000})
    count = sink.max_bytes // len(payload)
    assert happened(sink.send([Parcel(payload)] * count)) == ["delivered"] * count
    smallest = message()[:-1].replace(b'{"name": "\\u00c5sa"}', b"{}") + b"}"
    assert len(smallest) * sink.max_count < BATCH_BYTES * 2
    assert happened(sink.send([Parcel(smallest)] * sink.max_count)) == ["delivered"] * sink.max_count
    assert segment.calls == 2


def test_nothing_to_send_is_no_call(segment: SegmentStandIn, sink: SegmentSink) -> None:
    assert sink.send([]) == []
    assert segment.calls == 0


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(message(userId=""), "no userId", id="empty userId"),
        pytest.param(message(userId=None), "no userId", id="no userId"),
        pytest.param(message(event=""), "no event name", id="empty event"),
        pytest.param(message(messageId="x" * 101), "a messageId over 100 characters", id="long messageId"),
        pytest.param(message(properties={"note": "x" * LIMIT}), "over 32 KB", id="over 32 KB"),
    ],
)
def test_what_segment_would_throw_away_is_refused_before(
    segment: SegmentStandIn, sink: SegmentSink, payload: bytes, reason: str
) -> None:
    first, refused, last = sink.send([parcel(1), Parcel(payload), parcel(2)])
    assert refused == Outcome(Happened.REJECTED, detail=f"not sent, Segment would discard it: {reason}")
    assert happened([first, last]) == ["delivered", "delivered"]
    assert [event["messageId"] for event in segment.events] == ["bridge-1", "bridge-2"]
    assert segment.discarded == []


@pytest.mark.parametrize("status", [400, 413])
@pytest.mark.parametrize("bad", [{0}, {63}, {17}, {3, 4, 99}, set(range(5))], ids=str)
def test_a_bad_one_is_found_by_halving_and_the_rest_is_delivered(
    segment: SegmentStandIn, sink: SegmentSink, bad: set[int], status: int
) -> None:
    names = {f"bridge-{number}" for number in bad}

    def refuse(batch: Any) -> Response | None:
        return Response("refused", status=status) if any(event["messageId"] in names for event in batch) else None

    segment.fault = refuse
    outcomes = sink.send([parcel(number) for number in range(100)])
    assert {number for number, outcome in enumerate(outcomes) if outcome.happened is Happened.REJECTED} == bad
    assert all(outcomes[number] == Outcome(Happened.REJECTED, status, "refused") for number in bad)
    assert happened(outcomes).count("delivered") == 100 - len(bad)
    assert sorted(event["messageId"] for event in segment.events) == sorted(
        {f"bridge-{number}" for number in range(100)} - names
    )
    assert segment.calls <= 1 + 14 * len(bad)


def test_when_halving_meets_an_outage_the_rest_is_left_untried(segment: SegmentStandIn, sink: SegmentSink) -> None:
    def fail(batch: Any) -> Response | None:
        if len(batch) == 8:
            return Response("refused", status=400)
        return Response("slow down", status=429) if batch[0]["messageId"] == "bridge-0" else None

    segment.fault = fail
    outcomes = sink.send([parcel(number) for number in range(8)])
    assert happened(outcomes) == ["throttled"] * 4 + ["untried"] * 4
    assert segment.batches == []


def test_when_the_first_half_stops_in_the_middle_the_second_is_left_untried(
    segment: SegmentStandIn, sink: SegmentSink
) -> None:
    def fail(batch: Any) -> Response | None:
        if len(batch) > 2:
            return Response("refused", status=400)
        return Response("down", status=503) if batch[0]["messageId"] == "bridge-2" else None

    segment.fault = fail
    assert happened(sink.send([parcel(number) for number in range(8)])) == [
        "delivered",
        "delivered",
        "failed",
        "failed",
        *["untried"] * 4,
    ]


def test_halving_ends_in_time(segment: SegmentStandIn, sink: SegmentSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.sinks.segment.SPLIT_SECONDS", 0.0)

    def refuse_slowly(_: Any) -> Response:
        time.sleep(0.01)
        return Response("refused", status=400)

    segment.fault = refuse_slowly
    assert happened(sink.send([parcel(number) for number in range(8)])) == ["untried"] * 8
    monkeypatch.setattr("bridge.sinks.segment.SPLIT_SECONDS", 0.005)
    assert happened(sink.send([parcel(number) for number in range(8)])) == ["untried"] * 8
    assert segment.calls == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(answering(401, "who?"), Outcome(Happened.FORBIDDEN, 401, "who?"), id="401"),
        pytest.param(answering(404, "where?"), Outcome(Happened.FAILED, 404, "where?"), id="404"),
        pytest.param(answering(408, ""), Outcome(Happened.FAILED, 408), id="408"),
        pytest.param(answering(429, "wait"), Outcome(Happened.THROTTLED, 429, "wait"), id="429"),
        pytest.param(
            answering(429, "wait", Retry_After="120"),
            Outcome(Happened.THROTTLED, 429, "wait", 120.0),
            id="429, seconds",
        ),
        pytest.param(
            answering(429, "", Retry_After="4000"), Outcome(Happened.THROTTLED, 429, "", 4_000.0), id="429, for long"
        ),
        pytest.param(
            answering(429, "", Retry_After="soon"), Outcome(Happened.THROTTLED, 429), id="429, not understood"
        ),
        pytest.param(answering(500, "[]"), Outcome(Happened.FAILED, 500, "[]"), id="500 with JSON"),
        pytest.param(
            answering(503, "down", Retry_After="7"), Outcome(Happened.FAILED, 503, "down", 7.0), id="503, seconds"
        ),
        pytest.param(answering(300), Outcome(Happened.FAILED, 300), id="300"),
        pytest.param(answering(204), Outcome(Happened.DELIVERED, 204), id="204"),
    ],
)
def test_every_answer_has_its_outcome(
    segment: SegmentStandIn, sink: SegmentSink, answer: Answer, outcome: Outcome
) -> None:
    segment.fault = answer
    assert sink.send([parcel(1), parcel(2)]) == [outcome, outcome]
    assert segment.calls == 1


STRANGER = "this is not Segment's answer: see SEGMENT_HOST"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            answering(200, "Please <a href=/>sign in</a>", Content_Type="text/html; charset=utf-8"),
            id="HTML by its type",
        ),
        pytest.param(answering(200, "\n<!DOCTYPE html><p>", Content_Type="text/plain"), id="HTML by its look"),
        pytest.param(answering(202, "\ufeff<html>"), id="HTML behind a byte order mark"),
        pytest.param(answering(200, '{"success": false}'), id="no success"),
        pytest.param(answering(200, '{"code": 400, "key": "invalid"}'), id="a code"),
        pytest.param(answering(200, '{"statusCode": 500}'), id="a status code"),
        pytest.param(answering(200, '{"code": "invalid_request", "message": "no"}'), id="an error of Segment's"),
        pytest.param(answering(201, '{"error": "no such source"}'), id="an error"),
        pytest.param(answering(200, '{"success": true, "errors": ["a"]}'), id="errors"),
        pytest.param(answering(200, '{"status": "error"}'), id="a status in words"),
    ],
)
def test_a_2xx_that_is_no_success_is_tried_again(segment: SegmentStandIn, sink: SegmentSink, answer: Answer) -> None:
    segment.fault = answer
    outcomes = sink.send([parcel(1), parcel(2)])
    assert happened(outcomes) == ["failed"] * 2
    assert all(one.detail.startswith(STRANGER) for one in outcomes)
    assert segment.calls == 1


@pytest.mark.parametrize(
    "text",
    ["", "OK", "{", "[]", '{"success": true}', '{"status": "ok", "error": null, "code": 0}', '{"code": 200}'],
    ids=repr,
)
@pytest.mark.parametrize("mimetype", ["text/plain", "text/html", "application/json"])
def test_what_compatible_endpoints_say_is_a_success(
    segment: SegmentStandIn, sink: SegmentSink, text: str, mimetype: str
) -> None:
    segment.fault = answering(200, text, Content_Type=mimetype)
    assert happened(sink.send([parcel()])) == ["delivered"]


class TestA403:
    """403 of a firewall for one event, or of Segment for all events."""

    BLOCKED = "bridge-3"

    def firewall(self, batch: Any) -> Response | None:
        page = "<html>Request blocked.</html>"
        blocked = Response(page, status=403, mimetype="text/html")
        return blocked if any(event["messageId"] == self.BLOCKED for event in batch) else None

    def test_the_event_is_found_by_halving_and_the_others_are_delivered(
        self, segment: SegmentStandIn, sink: SegmentSink
    ) -> None:
        segment.fault = self.firewall
        outcomes = sink.send([parcel(number) for number in range(20)])
        assert happened(outcomes) == ["rejected" if number == 3 else "delivered" for number in range(20)]
        assert outcomes[3].code == 403

    def test_alone_it_is_judged_by_the_smallest_event_that_was_delivered(
        self, segment: SegmentStandIn, sink: SegmentSink
    ) -> None:
        sink.send([parcel(1, properties={}), parcel(2)])
        segment.fault = self.firewall
        assert happened(sink.send([parcel(3)])) == ["rejected"]
        assert [event["messageId"] for event in segment.events] == ["bridge-1", "bridge-2", "bridge-1"]

    @pytest.mark.parametrize("status", [401, 403])
    def test_when_that_is_refused_too_it_is_the_credentials(
        self, segment: SegmentStandIn, sink: SegmentSink, status: int
    ) -> None:
        sink.send([parcel(1)])
        segment.fault = lambda batch: Response("no", status if batch[0]["messageId"] == "bridge-1" else 403)
        calls = segment.calls
        outcomes = sink.send([parcel(number) for number in range(2, 40)])
        assert happened(outcomes) == ["forbidden"] * 38
        assert segment.calls - calls == 2

    def test_when_the_sample_cannot_be_posted_the_cause_is_unknown(
        self, segment: SegmentStandIn, sink: SegmentSink
    ) -> None:
        sink.send([parcel(1)])
        segment.fault = lambda batch: Response("no", 503 if batch[0]["messageId"] == "bridge-1" else 403)
        assert happened(sink.send([parcel(2), parcel(3)])) == ["failed"] * 2

    def test_a_process_that_has_delivered_nothing_asks_for_an_event(self, segment: SegmentStandIn) -> None:
        asked = [message(1)]
        sink = SegmentSink("write-key", segment.url, recently_delivered=asked.pop)  # type: ignore[attr-defined] # the fixture sets it
        segment.fault = self.firewall
        assert happened(sink.send([parcel(3)])) == ["rejected"]
        assert asked == []

    def test_an_event_is_posted_again_only_as_long_as_it_is_counted_once(
        self, segment: SegmentStandIn, sink: SegmentSink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sink.send([parcel(1)])
        segment.fault = self.firewall
        tomorrow = time.time() + 24 * 3_600
        monkeypatch.setattr("bridge.sinks.segment.time.time", lambda: tomorrow)
        assert happened(sink.send([parcel(3)])) == ["failed"]
        assert [event["messageId"] for event in segment.events] == ["bridge-1"]

    def test_without_a_delivered_event_it_is_left_for_later(self, segment: SegmentStandIn, sink: SegmentSink) -> None:
        segment.fault = self.firewall
        assert happened(sink.send([parcel(3)])) == ["failed"]
        assert happened(sink.send([parcel(4)])) == ["delivered"]
        assert happened(sink.send([parcel(3)])) == ["rejected"]

    def test_when_all_are_refused_for_an_unknown_cause_few_calls_are_made(
        self, segment: SegmentStandIn, sink: SegmentSink
    ) -> None:
        segment.fault = answering(403, "no")
        assert happened(sink.send([parcel(number) for number in range(1_000)])) == ["failed"] * 1_000
        assert segment.calls < 50

    def test_what_was_left_for_later_is_no_dead_letter_when_others_are_accepted(
        self, segment: SegmentStandIn, sink: SegmentSink
    ) -> None:
        blocked = {f"bridge-{number}" for number in range(32)}
        segment.fault = lambda batch: (
            Response("no", 403) if any(event["messageId"] in blocked for event in batch) else None
        )
        outcomes = sink.send([parcel(number) for number in range(64)])
        assert happened(outcomes)[32:] == ["delivered"] * 32
        assert set(happened(outcomes)[:8]) == {"rejected"}
        assert set(happened(outcomes)[8:32]) == {"failed"}


def test_retry_after_may_be_a_date(segment: SegmentStandIn, sink: SegmentSink) -> None:
    segment.fault = answering(429, Retry_After=formatdate(time.time() + 600, usegmt=True))
    [outcome] = sink.send([parcel()])
    assert outcome.retry_after is not None
    assert 500 < outcome.retry_after <= 600


def test_a_wrong_write_key_is_forbidden(segment: SegmentStandIn) -> None:
    sink = SegmentSink("another", segment.url)  # type: ignore[attr-defined] # the fixture sets it
    [outcome] = sink.send([parcel()])
    assert (outcome.happened, outcome.code) == (Happened.FORBIDDEN, 401)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(segment: SegmentStandIn, sink: SegmentSink, status: int) -> None:
    elsewhere = SegmentStandIn()
    with Served(elsewhere.app()) as served:
        segment.fault = answering(status, Location=f"{served.url}/v1/batch")
        [outcome] = sink.send([parcel()])
    assert (outcome.happened, outcome.code) == (Happened.FAILED, status)
    assert (segment.calls, elsewhere.calls) == (1, 0)


def test_an_unreachable_host_is_a_failure() -> None:
    [outcome] = SegmentSink("write-key", "http://127.0.0.1:1").send([parcel()])
    assert (outcome.happened, outcome.code, outcome.detail) == (Happened.FAILED, None, "ConnectionError")


def test_the_library_logs_no_ones_data(
    segment: SegmentStandIn, sink: SegmentSink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    segment.fault = answering(500)
    sink.send([parcel()])
    assert "anna-1" not in caplog.text
    assert "write-key" not in caplog.text
