"""Segment's library for browsers, unchanged, in a real one, on a site of another origin than the bridge."""

from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import sync_playwright

from bridge.demo.serving import Served
from tests.acceptance.books import Books
from tests.acceptance.browser import chromium
from tests.acceptance.conftest import Serve
from tests.acceptance.libraries import browser_library
from tests.acceptance.process import FAMILY_NAME, WRITE_KEY
from tests.acceptance.voucherify import Voucherify

VISIT = """async ([writeKey, segment, name]) => {
    const cdnSettings = { integrations: { "Segment.io": { apiKey: writeKey, protocol: "http", ...segment } } };
    const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnSettings });
    await analytics.page("Home");
    await analytics.identify("anna-1", { first_name: "Anna", last_name: name });
    await analytics.track("Paid", { metadata: { total: 49.5 } });
    await analytics.page("Basket");
    await analytics.group("g-9", { plan: "pro" });
}"""
"""Nobody knows whose the first page is."""

BATCHES = {"deliveryStrategy": {"strategy": "batching", "config": {"size": 100, "timeout": 100}}}


def shop() -> Flask:
    site = Flask("shop")
    site.add_url_rule("/", view_func=lambda: "<title>Shop</title>")
    site.add_url_rule("/favicon.ico", endpoint="icon", view_func=lambda: ("", 204))
    return site


@pytest.mark.parametrize("strategy", [{}, BATCHES], ids=["one at a time", "several at a time"])
def test_what_a_visitor_does_arrives(
    strategy: dict[str, Any], sqlite_url: str, serve: Serve, voucherify: Voucherify
) -> None:
    server, books = serve(sqlite_url, voucherify, BRIDGE_WRITE_KEYS=WRITE_KEY), Books(sqlite_url)
    segment = {"apiHost": f"127.0.0.1:{server.port}/v1", **strategy}
    with Served(shop()) as site, sync_playwright() as playwright, chromium(playwright) as browser:
        page = browser.new_page()
        asked: list[str] = []
        statuses: list[int] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: statuses.append(response.status))
        page.goto(site.url)
        page.add_script_tag(path=browser_library())
        page.evaluate(VISIT, [WRITE_KEY, segment, FAMILY_NAME])
        books.wait_until_settled(4)
    assert {url.split("/")[2] for url in asked} <= {site.url.split("/")[2], f"127.0.0.1:{server.port}"}
    assert max(statuses) < 400
    assert voucherify.project.customers["anna-1"]["name"] == f"Anna {FAMILY_NAME}"
    assert voucherify.project.customers["anna-1"]["metadata"] == {"group_id": "g-9", "group_plan": "pro"}
    assert [one["event"] for one in voucherify.project.events] == ["Paid", "Viewed Basket Page"]
    anonymous = books.rows("SELECT count(*) FROM events WHERE reason LIKE 'anonymous%'")
    assert anonymous == [(1,)]
