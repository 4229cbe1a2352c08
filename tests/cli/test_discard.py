"""``bridge discard`` and ``bridge audit``, with records of other commands."""

import getpass
from collections.abc import Callable
from typing import Any

import pytest

from bridge.bootstrap import Bridge
from tests.cli.conftest import Run
from tests.webhooks import redemption, webhook

Told = Callable[..., Any]


@pytest.fixture
def event_id(post: Callable[[Any], str]) -> str:
    return post(webhook("redemption.succeeded", redemption()))


def test_an_event_is_discarded_and_restored(event_id: str, told: Told) -> None:
    assert told("discard", event_id) == [{"id": event_id, "became": "discarded"}]
    assert told("discard", event_id) == [{"id": event_id, "became": "nothing to discard"}]
    assert [one["id"] for one in told("events", "--status", "discarded")] == [event_id]
    assert told("replay", event_id) == [{"id": event_id, "became": "to be sent"}]
    assert told("discard", event_id) == [{"id": event_id, "became": "discarded"}]
    replayed = told("replay", "--status", "discarded")
    assert replayed["became"] == {"to be sent": 1}
    by_hand = told("audit")
    assert [(one["did"], one["event_id"], one["detail"]) for one in by_hand] == [
        ("began a bulk replay", None, replayed["id"]),
        ("discarded", event_id, ""),
        ("replayed", event_id, "to be sent"),
        ("discarded", event_id, ""),
    ]
    assert {one["who"] for one in by_hand} == {f"command line: {getpass.getuser()}"}
    assert told("audit", "--limit", "1", "--before", by_hand[0]["id"]) == by_hand[1:2]


def test_in_words(event_id: str, run: Run) -> None:
    assert "No actions of operators yet." in run("audit").output
    assert "discarded" in run("discard", event_id).output
    assert "discarded" in run("audit").output


def test_a_delivery_in_progress_cannot_be_discarded(event_id: str, run: Run, bridge: Bridge) -> None:
    [worker] = bridge.crew.workers
    worker._outbox.claim(worker.sink, 2_000_000_000.0, 60.0)
    result = run("discard", event_id)
    assert result.exit_code == 1
    assert "a worker is translating or sending it" in result.output


def test_the_id_of_a_duplicate_names_the_event_that_it_repeats(
    event_id: str, post: Callable[[Any], str], told: Told, run: Run
) -> None:
    repeat = post(webhook("redemption.succeeded", redemption()))
    assert repeat != event_id
    named = f": event {event_id}, which it repeats"
    assert told("discard", repeat) == [{"id": repeat, "became": f"discarded{named}"}]
    assert [one["id"] for one in told("events", "--status", "discarded")] == [event_id]
    assert told("replay", repeat) == [{"id": repeat, "became": f"to be sent{named}"}]
    assert f"{repeat} is a duplicate of event {event_id}, which was decided." in run("decide", repeat, "--again").output


def test_an_unknown_id_fails(event_id: str, run: Run) -> None:
    result = run("discard", event_id, "01UNKNOWN")
    assert result.exit_code == 1
    assert "no such event" in result.output
    assert "discarded" in result.output


def test_a_user_without_a_name_is_a_number(event_id: str, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nameless)
    told("discard", event_id)
    assert told("audit")[0]["who"].removeprefix("command line: ").isdigit()
