"""Bulk replays on the console."""

import pytest

from bridge.bootstrap import Bridge
from bridge.operations.bulk_replay import STEP, BulkReplayer
from tests.translating import translate
from tests.web.console.conftest import Visitor
from tests.web.console.events import REFUSED, deliver, did, store


def test_a_bulk_replay_runs_in_the_background(visitor: Visitor, bridge: Bridge) -> None:
    for number in range(STEP + 1):
        store(bridge, unique=str(number))
    translate(bridge)
    for _ in range(2):
        deliver(bridge, REFUSED)
    assert "Replay all of these" in visitor.get("/events?status=dead").text
    assert f"{STEP + 1} events" in visitor.get("/replays/new?status=dead").text
    page = visitor.press("/replays/new?status=dead", "/replays").location.removeprefix("/console")
    assert f"0 of {STEP + 1}" in visitor.get(page).text
    replayer = BulkReplayer(bridge.database)
    assert replayer.step()
    translate(bridge)
    assert f"{STEP} of {STEP + 1}" in visitor.get(page).text
    assert replayer.step()
    translate(bridge)
    assert not replayer.step()
    text = visitor.get(page).text
    assert "to be sent" in text
    assert "console: Ada" in text
    assert "done" in visitor.get("/replays").text
    assert did(bridge) == [("console: Ada", "began a bulk replay", None)]
    assert page in visitor.get("/audit").text


def test_a_bulk_replay_is_stopped(visitor: Visitor, dead: str) -> None:
    page = visitor.press("/replays/new?status=dead", "/replays").location.removeprefix("/console")
    visitor.press(page, "/stop")
    text = visitor.get(page).text
    assert "Stopped." in text
    assert "/stop" not in text


@pytest.mark.parametrize("query", ["", "?status=delivered", "?status=uncertain"])
def test_only_some_statuses_are_replayed_in_bulk(visitor: Visitor, query: str) -> None:
    assert visitor.get(f"/replays/new{query}").status_code == 400
