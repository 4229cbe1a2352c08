"""The console's API for scripts."""

import json
from typing import Any

import pytest

from bridge.bootstrap import Bridge
from tests.translating import translating
from tests.web.console.conftest import TOKEN, Visitor
from tests.web.console.events import EMAIL

BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_a_script_reads_and_acts(stranger: Visitor, dead: str, bridge: Bridge) -> None:
    def call(method: str, path: str, **more: Any) -> Any:
        response = stranger.client.open(f"/console/api{path}", method=method, headers=BEARER, **more)
        assert response.status_code in (200, 202), response.text
        return response.json

    assert call("GET", "/overview?period=1h")["flows"][0]["dead"] == 1
    [entry] = call("GET", "/events?status=dead&limit=5")
    assert (entry["id"], entry["customer"]) == (dead, "•••")
    told = call("GET", f"/events/{dead}")
    assert told["deliveries"][0]["attempts"][0]["answer"]["details"] == "••• is blocked"
    assert EMAIL not in json.dumps(told)
    assert call("GET", f"/events/{dead}?reveal=true")["body"]["data"]["customer"]["email"] == EMAIL
    replay_id = call("POST", "/replays", json={"status": "dead"})["id"]
    assert call("GET", "/replays")[0]["id"] == replay_id
    assert call("POST", "/pause/segment") == {"name": "segment", "state": "paused"}
    assert call("POST", "/resume/segment") == {"name": "segment", "state": "running"}
    assert call("POST", f"/replays/{replay_id}/stop") == {"id": replay_id, "stopped": True}
    with translating(bridge):
        assert call("POST", f"/events/{dead}/replay") == {"id": dead, "became": "to be sent"}
    assert call("POST", f"/events/{dead}/discard") == {"id": dead, "discarded": 1}
    assert call("POST", f"/events/{dead}/decide", json={"verdict": "again"}) == {"id": dead, "decided": 0}
    assert {one["who"] for one in call("GET", "/audit")} == {"script"}


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/events/NOTHING", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("GET", "/overview?period=1y", {}, 400),
        ("GET", "/events?status=daed", {}, 400),
        ("GET", "/events?direction=up", {}, 400),
        ("POST", "/events/01X/decide", {"json": {"verdict": "perhaps"}}, 400),
        ("POST", "/replays", {"json": ["dead"]}, 400),
        ("POST", "/replays", {"json": {"status": "delivered"}}, 400),
        ("POST", "/replays", {"data": "status=dead"}, 415),
        ("DELETE", "/events/01X", {}, 405),
        ("POST", "/pause/everything", {}, 400),
    ],
)
def test_a_script_receives_errors_as_json(stranger: Visitor, method: str, path: str, more: Any, status: int) -> None:
    response = stranger.client.open(f"/console/api{path}", method=method, headers=BEARER, **more)
    assert response.status_code == status
    assert response.json
    assert response.json["error"]["message"]


@pytest.mark.parametrize("header", [None, TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer wrong"])
def test_a_script_needs_the_token_and_a_session_does_not_suffice(visitor: Visitor, header: str | None) -> None:
    response = visitor.get("/api/events", headers={"Authorization": header} if header else {})
    assert response.status_code == 401
    assert response.json
