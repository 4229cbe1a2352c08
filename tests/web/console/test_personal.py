"""Personal data in texts of others: no list, page, metric or answer shows it."""

import json
import re
from pathlib import Path

import pytest

from bridge.bootstrap import Bridge
from bridge.delivery.counts.tallies import expected
from bridge.delivery.database.tables import audit
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.settings import ToVoucherify
from tests.delivery.arrivals import rows
from tests.web.console.conftest import TOKEN, MakeApp, Visitor
from tests.web.console.events import Post, deliver
from tests.webhooks import redemption, webhook

AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}


def test_no_list_shows_what_a_service_or_a_sender_says_of_a_person(
    visitor: Visitor, post: Post, bridge: Bridge
) -> None:
    named = webhook("redemption.succeeded", redemption("r_9"), event_id="ev_9")
    named["type"] = named["event"]["type"] = "anna@example.com was here"
    post(named)
    post()
    deliver(bridge, Outcome(Happened.REJECTED, 400, json.dumps({"message": "Customer Anna Ek (anna-1) is blocked"})))
    [dead] = re.findall(r"/console/events/([0-9A-Z]{26})", visitor.get("/events?status=dead").text)
    pages = [
        visitor.get(path, headers=AUTHORIZATION).text
        for path in ("/", "/events", f"/events/{dead}", "/api/overview", "/api/events", f"/api/events/{dead}")
    ]
    metrics = visitor.client.get("/metrics").text
    assert all("blocked" in one for one in pages)
    for text in (*pages, metrics):
        for personal in ("Anna", "Ek", "anna-1", "anna@"):
            assert re.search(rf"\b{personal}", text) is None
    assert "was here" in pages[0]
    assert "was here" in metrics
    [link] = re.findall(r'href="([^"]*status=dead&amp;error=[^"]*)"', pages[0])
    assert dead in visitor.client.get(link.replace("&amp;", "&")).text
    revealed = visitor.get(f"/api/events/{dead}?reveal=true", headers=AUTHORIZATION).text
    assert "Anna Ek" in revealed


def searches(bridge: Bridge) -> list[tuple[str, str]]:
    records = rows(bridge.database, audit)
    return [(row["who"], row["detail"]) for row in records if row["did"] == "searched errors"]


@pytest.mark.parametrize("path", ["/events", "/replays/new"])
def test_a_search_of_errors_is_recorded(visitor: Visitor, bridge: Bridge, path: str) -> None:
    for text in ("anna@example.com", "Duplicate", "Duplicate"):  # a page refreshes itself
        assert visitor.get(path, query_string={"status": "dead", "error": text}).status_code == 200
    assert searches(bridge) == [("console: Ada", "•••"), ("console: Ada", "Duplicate")]


def test_a_search_of_a_script_is_recorded(visitor: Visitor, bridge: Bridge) -> None:
    visitor.get("/api/events?error=Ek", headers=AUTHORIZATION)
    visitor.get("/api/events?status=dead", headers=AUTHORIZATION)
    assert searches(bridge) == [("script", "Ek")]


def test_names_of_the_catalogue_and_of_the_mappings_are_always_counted(make_app: MakeApp, tmp_path: Path) -> None:
    mapping = {"name": "paid", "subscribe": 'event = "Order Paid"', "partnerAction": "addCustomEvent"}
    fields = {
        "customer": {"source_id": {"@path": "$.userId"}},
        "event": {"@path": "$.event"},
        "type": {"@path": "$.type"},
    }
    (tmp_path / "mappings.json").write_text(json.dumps([{**mapping, "mapping": fields, "enabled": True}]))
    to_voucherify = ToVoucherify("app-id", "secret-key", rate_limit=None, mappings=tmp_path / "mappings.json")
    names = expected(make_app(to_voucherify=to_voucherify).extensions["bridge"].database.engine)
    assert {"Customer Rewarded", "identify", "Order Paid"} <= names


def test_a_wrong_mapping_file_does_not_end_the_start(make_app: MakeApp, tmp_path: Path) -> None:
    to_voucherify = ToVoucherify("app-id", "secret-key", rate_limit=None, mappings=tmp_path / "missing.json")
    names = expected(make_app(to_voucherify=to_voucherify).extensions["bridge"].database.engine)
    assert "Customer Rewarded" in names
