"""``bridge decide``, and ``bridge events`` and ``bridge replay`` for calls."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Response

from bridge.bootstrap import Bridge
from bridge.delivery.outbox.outbox import Settlement
from bridge.delivery.rules.retry import Decision, Fate
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.demo.calls import CALLS
from bridge.demo.voucherify import VoucherifyStandIn
from tests.cli.conftest import Run

Call = Callable[[str, Any], str]
Told = Callable[..., Any]

UNCERTAIN = Outcome(Happened.UNCERTAIN, detail="in doubt: 1 like it in the customer's activity")
REFUSAL = '{"code": 400, "key": "invalid_payload", "message": "Invalid", "details": "phone: is wrong"}'


def deliver(bridge: Bridge) -> None:
    for worker in bridge.crew.workers:
        worker.step()


def settle_as_uncertain(bridge: Bridge) -> None:
    """Settle a delivery as after a lost answer and a look-up without a result."""
    [worker] = [one for one in bridge.crew.workers if one.sink.name == "voucherify"]
    claims = worker._outbox.claim(worker.sink, 2_000_000_000.0, 60.0)
    decision = Decision(Fate.UNCERTAIN, 2_000_000_000.0, 1)
    settled = [Settlement(one, UNCERTAIN, decision) for one in claims]
    worker._outbox.settle("voucherify", settled, 2_000_000_000.0, 2_000_000_000.0)


@pytest.fixture
def track(call: Call) -> str:
    """Return the id of a custom event."""
    return call(*CALLS["track"])


@pytest.fixture
def uncertain(track: str, bridge: Bridge) -> str:
    settle_as_uncertain(bridge)
    return track


def status(told: Told, event_id: str) -> str:
    found: str = told("events", event_id)["entry"]["status"]
    return found


def posted(voucherify: VoucherifyStandIn) -> list[str]:
    return [call.body.get("event", call.path) for call in voucherify.calls if call.method == "POST"]


def test_what_is_uncertain_is_found_with_its_reason(uncertain: str, told: Told, run: Run) -> None:
    assert [one["id"] for one in told("events", "--status", "uncertain")] == [uncertain]
    assert "in doubt: 1 like it" in run("events", uncertain).output


def test_it_is_decided_as_delivered(uncertain: str, bridge: Bridge, voucherify: VoucherifyStandIn, told: Told) -> None:
    assert told("decide", uncertain, "--delivered") == {"id": uncertain, "decided": 1}
    assert status(told, uncertain) == "delivered"
    deliver(bridge)
    assert posted(voucherify) == []


def test_it_is_decided_to_be_sent_again(
    uncertain: str, bridge: Bridge, voucherify: VoucherifyStandIn, told: Told
) -> None:
    assert told("decide", uncertain, "--again") == {"id": uncertain, "decided": 1}
    assert status(told, uncertain) == "waiting"
    deliver(bridge)
    assert posted(voucherify) == ["Book Ordered"]
    assert status(told, uncertain) == "delivered"


def test_in_words(uncertain: str, run: Run) -> None:
    assert run("decide", uncertain, "--again").output == "1 uncertain: again.\n"
    assert run("decide", uncertain, "--again").output == "No uncertain deliveries.\n"


def test_nothing_but_the_uncertain_is_decided(track: str, told: Told) -> None:
    assert told("decide", track, "--delivered") == {"id": track, "decided": 0}
    assert status(told, track) == "waiting"


def test_a_word_is_needed(run: Run) -> None:
    result = run("decide", "some-id")
    assert result.exit_code == 2
    assert "Give --delivered or --again" in result.output


def test_an_unknown_id_is_said_in_one_line(bridge: Bridge, run: Run) -> None:
    result = run("decide", "01UNKNOWN", "--again")
    assert (result.exit_code, result.output) == (1, "Error: there is no event 01UNKNOWN\n")


def test_replaying_does_not_send_what_is_uncertain(
    uncertain: str, bridge: Bridge, voucherify: VoucherifyStandIn, told: Told
) -> None:
    assert told("replay", uncertain) == [{"id": uncertain, "became": "uncertain"}]
    deliver(bridge)
    assert posted(voucherify) == []


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_from_arrival_to_answer(
    kind: str, call: Call, bridge: Bridge, voucherify: VoucherifyStandIn, told: Told
) -> None:
    path, body = CALLS[kind]
    event_id = call(path, body)
    deliver(bridge)
    story = told("events", event_id)
    assert (story["entry"]["status"], story["entry"]["customer"]) == ("delivered", "ada-1815")
    assert (story["body"], story["entry"]["direction"]) == (body, "to_voucherify")
    [delivery] = story["deliveries"]
    assert (delivery["sink"], delivery["key"]) == ("voucherify", event_id)
    [sent] = [one for one in voucherify.calls if one.method == "POST"]
    assert sent.path == delivery["payload"]["path"]


def test_what_voucherify_says_of_a_dead_letter_is_readable_and_replayed(
    call: Call, bridge: Bridge, voucherify: VoucherifyStandIn, told: Told, run: Run
) -> None:
    voucherify.fault = lambda one, work: Response(REFUSAL, 400) if one.method == "POST" else work()
    event_id = call(*CALLS["identify"])
    deliver(bridge)
    assert [one["id"] for one in told("events", "--status", "dead")] == [event_id]
    output = run("events", event_id).output
    for said in ("invalid_payload", "Invalid", "phone: is wrong"):
        assert said in output
    voucherify.fault = None
    assert told("replay", event_id) == [{"id": event_id, "became": "to be sent"}]
    deliver(bridge)
    assert status(told, event_id) == "delivered"


def test_those_that_wait_behind_another_are_queued(call: Call, told: Told) -> None:
    first, second = call(*CALLS["track"]), call(*CALLS["page"])
    assert [one["id"] for one in told("events", "--status", "queued")] == [second]
    assert [one["id"] for one in told("events", "--status", "waiting")] == [first]
