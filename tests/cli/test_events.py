"""``bridge events`` and ``bridge replay``."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Response

from bridge.bootstrap import Bridge
from bridge.demo.segment import SegmentStandIn
from tests.cli.conftest import Run
from tests.webhooks import redemption, webhook

Post = Callable[[Any], str]
Told = Callable[..., Any]


def deliver(bridge: Bridge) -> None:
    for worker in bridge.crew.workers:
        while worker.step():
            pass


@pytest.fixture
def three(post: Post) -> dict[str, str]:
    """Post an event to be delivered, one to ignore, and one to quarantine."""
    return {
        "waiting": post(webhook("redemption.succeeded", redemption("r_1"), event_id="ev_1")),
        "ignored": post(webhook("redemption.succeeded", {"redemption": {"id": "r_2"}}, event_id="ev_2")),
        "quarantined": post(b"[]"),
    }


def test_they_are_listed_newest_first(three: dict[str, str], told: Told) -> None:
    assert [(one["id"], one["status"]) for one in told("events")] == [
        (three["quarantined"], "quarantined"),
        (three["ignored"], "ignored"),
        (three["waiting"], "waiting"),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--status", "quarantined"), ["quarantined"]),
        (("--status", "ignored"), ["ignored"]),
        (("--status", "waiting"), ["waiting"]),
        (("--status", "delivered"), []),
        (("--event", "Customer Redemption Succeeded"), ["ignored", "waiting"]),
        (("--customer", "anna-1"), ["waiting"]),
        (("--limit", "1"), ["quarantined"]),
    ],
)
def test_a_filter(options: tuple[str, ...], expected: list[str], three: dict[str, str], told: Told) -> None:
    assert [one["id"] for one in told("events", *options)] == [three[name] for name in expected]


def test_the_next_page_begins_before_the_last_id(three: dict[str, str], told: Told) -> None:
    assert [one["id"] for one in told("events", "--before", three["quarantined"], "--limit", "1")] == [three["ignored"]]


def test_a_table_says_why(three: dict[str, str], run: Run) -> None:
    output = run("events").output
    assert "anonymous" in output
    assert "the body is not a JSON object" in output


def test_counts_by_event_and_status(three: dict[str, str], told: Told, run: Run) -> None:
    assert {"event": "Customer Redemption Succeeded", "status": "ignored", "count": 1} in told("events", "--count")
    assert "Customer Redemption Succeeded" in run("events", "--count").output


@pytest.mark.parametrize(
    "options",
    [
        ("--status", "ignored"),
        ("--status", "waiting"),
        ("--event", "Customer Redemption Succeeded"),
        ("--customer", "anna-1"),
        ("--direction", "to_voucherify"),
        ("--direction", "to_segment", "--status", "quarantined"),
        ("--error", "not a JSON object"),
        ("--since", "1h"),
        ("--until", "2020-01-01"),
        ("--before", "ignored"),
    ],
    ids=" ".join,
)
def test_what_is_counted_is_what_is_listed(options: tuple[str, ...], three: dict[str, str], told: Told) -> None:
    options = tuple(three.get(word, word) if options[0] == "--before" else word for word in options)
    listed = Counter((one["event"], one["status"]) for one in told("events", *options))
    counted = {(one["event"], one["status"]): one["count"] for one in told("events", "--count", *options)}
    assert counted == listed


def test_one_event_is_not_counted(three: dict[str, str], run: Run) -> None:
    assert run("events", three["ignored"], "--count").exit_code == 2


def test_one_from_arrival_to_answer(three: dict[str, str], bridge: Bridge, told: Told, run: Run) -> None:
    deliver(bridge)
    story = told("events", three["waiting"])
    assert story["entry"]["status"] == "delivered"
    assert story["body"]["data"]["redemption"]["id"] == "r_1"
    [delivery] = story["deliveries"]
    assert delivery["payload"]["event"] == "Customer Redemption Succeeded"
    assert [(tried["outcome"], tried["code"]) for tried in delivery["attempts"]] == [("delivered", 200)]
    output = run("events", three["waiting"]).output
    for title in ("What was received", "What is sent to segment", "Responses"):
        assert title in output


def test_one_that_waits_says_until_when(three: dict[str, str], run: Run) -> None:
    output = run("events", three["waiting"]).output
    assert "No attempt yet" in output
    assert "The next attempt is due at" in output


def test_one_of_which_nothing_is_delivered(three: dict[str, str], run: Run) -> None:
    assert "No deliveries" in run("events", three["quarantined"]).output


def test_raw_bytes_that_are_no_text_are_shown(post: Post, run: Run) -> None:
    assert "\\xff" in run("events", post(b"\xff\xfe")).output


def test_a_repeat_shows_the_first_and_says_so(three: dict[str, str], post: Post, told: Told, run: Run) -> None:
    again = post(webhook("redemption.succeeded", redemption("r_1"), event_id="ev_1"))
    assert told("events", again)["entry"]["id"] == three["waiting"]
    assert f"{again} is a duplicate of this event" in run("events", again).output


def test_an_unknown_id_is_said_in_one_line(bridge: Bridge, run: Run) -> None:
    result = run("events", "01UNKNOWN")
    assert (result.exit_code, result.output) == (1, "Error: there is no event 01UNKNOWN\n")


def test_a_dead_letter_is_replayed_and_delivered(
    post: Post, bridge: Bridge, segment: SegmentStandIn, told: Told
) -> None:
    segment.fault = lambda batch: Response('{"code": "bad", "message": "no"}', 400)
    event = post(webhook("redemption.succeeded", redemption("r_1")))
    deliver(bridge)
    assert [one["id"] for one in told("events", "--status", "dead")] == [event]
    segment.fault = None
    assert told("replay", event) == [{"id": event, "became": "to be sent"}]
    assert told("replay", event) == [{"id": event, "became": "waiting"}]
    deliver(bridge)
    assert len(segment.events) == 1
    assert told("replay", event) == [{"id": event, "became": "delivered"}]
    deliver(bridge)
    assert len(segment.events) == 1


def test_all_of_a_filter_are_replayed_and_counted(post: Post, told: Told, run: Run) -> None:
    for number in range(3):
        post(f"[{number}]".encode())
    replayed = told("replay", "--status", "quarantined")
    assert (replayed["state"], replayed["total"], replayed["done"]) == ("done", 3, 3)
    assert replayed["became"] == {"quarantined": 3}
    output = run("replay", "--status", "quarantined").output
    assert re.search(r"quarantined\W+3\b", output)
    assert "No events match." in run("replay", "--status", "dead").output


def test_without_a_worker_a_replay_says_what_it_waits_for(
    three: dict[str, str], bridge: Bridge, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.operations.desk.Desk.replay.__defaults__", (0.1,))
    monkeypatch.setattr("bridge.cli.replay.REPLAY_SECONDS", 0.1)
    monkeypatch.setattr("bridge.translation.translator.Translator._paused", lambda _: True)
    assert "waiting for a translator" in run("replay", three["quarantined"]).output
    output = run("replay", "--status", "quarantined").output
    assert "0 of 1 events are translated; the others are waiting for a translator." in output


@pytest.mark.parametrize("words", [(), ("some-id", "--status", "dead")], ids=["nothing", "both"])
def test_replay_wants_ids_or_a_filter(words: tuple[str, ...], run: Run) -> None:
    result = run("replay", *words)
    assert result.exit_code == 2
    assert "Give either EVENT_IDS or a --status" in result.output


def test_replay_as_a_table(post: Post, run: Run) -> None:
    assert "quarantined" in run("replay", post(b"[]")).output


def test_what_is_not_there_is_said_and_the_rest_is_replayed(post: Post, run: Run) -> None:
    event = post(b"[]")
    result = run("replay", "01UNKNOWN", event, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == [
        {"id": "01UNKNOWN", "became": "no such event"},
        {"id": event, "became": "quarantined"},
    ]


def test_what_a_terminal_would_obey_is_shown_as_text(post: Post, run: Run) -> None:
    output = run("events", post(b"\x1b[2J\x07")).output
    assert "\x1b" not in output
    assert r"\x1b[2J\x07" in output


@pytest.mark.parametrize("arguments", [["\udcff"], ["--event", "\udcff"], ["--since", "0001-01-01T00:00+14:00"]])
def test_any_argument_is_answered_in_one_line(run: Run, arguments: list[str], bridge: Bridge) -> None:
    result = run("events", *arguments)
    assert isinstance(result.exception, SystemExit | None)
    assert result.output in ("Error: an argument is not UTF-8\n", "No events match.\n")
