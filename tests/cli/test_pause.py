"""``bridge pause`` and ``bridge resume``: deliveries to a service, and the translation."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.bootstrap import Bridge
from bridge.demo.segment import SegmentStandIn
from bridge.doors import VOUCHERIFY_WEBHOOKS
from bridge.operations.history import PENDING
from bridge.signature import sign
from tests.cli.conftest import Run, translated
from tests.delivery.patience import until
from tests.translating import translators
from tests.webhooks import SECRET, encode, redemption, webhook

Told = Callable[..., Any]

BODY = encode(webhook("redemption.succeeded", redemption()))


def deliver(bridge: Bridge) -> None:
    for worker in bridge.crew.workers:
        worker.step()


def test_deliveries_to_a_service_wait_until_it_is_resumed(
    bridge: Bridge, post: Callable[[Any], str], segment: SegmentStandIn, told: Told, run: Run
) -> None:
    assert told("pause", "segment") == {"name": "segment", "state": "paused"}
    post(BODY)
    deliver(bridge)
    assert segment.events == []
    [sink] = told("status")["sinks"]
    assert (sink["state"], sink["paused_until"]) == ("paused", None)
    assert "`bridge resume segment` ends it" in sink["reason"]
    assert "bridge resume segment" in run("status").output
    assert told("resume", "segment") == {"name": "segment", "state": "running"}
    deliver(bridge)
    assert len(segment.events) == 1
    assert [(one["did"], one["detail"]) for one in told("audit")] == [("resumed", "segment"), ("paused", "segment")]


def test_messages_wait_for_translation_until_it_is_resumed(bridge: Bridge, told: Told, run: Run) -> None:
    assert "translation is paused: `bridge resume translation` ends it." in run("pause", "translation").output
    until(lambda: all(one._is_paused for one in translators(bridge)))
    event_id = bridge.intakes[VOUCHERIFY_WEBHOOKS].take(BODY, sign(BODY, SECRET), "").id
    assert told("events", event_id)["entry"]["status"] == PENDING
    assert "It is not translated yet." in run("events", event_id).output
    bridge.keeper._beat()
    [queue] = [one for one in told("status")["queues"] if one["queue"] == "webhooks"]
    assert (queue["pending"], queue["is_paused"]) == (1, True)
    output = run("status").output
    assert "bridge resume translation" in output
    assert "1 pending" in output
    assert "bridge resume translation" in (bridge.keeper.problems()["translation"] or "")
    assert "translation is resumed." in run("resume", "translation").output
    translated(bridge, event_id)


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_nothing_else_can_be_paused(command: str, run: Run) -> None:
    result = run(command, "everything")
    assert result.exit_code == 2
    assert "segment" in result.output
