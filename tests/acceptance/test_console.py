"""The console in a real browser, before a bridge under gunicorn: found, understood, run again, delivered."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Response
from playwright.sync_api import Browser, sync_playwright

from bridge.demo.segment import Event
from tests.acceptance.browser import DESKTOP, PHONE, PICTURE, Window, chromium, window
from tests.acceptance.conftest import serving
from tests.acceptance.customers import redeems
from tests.acceptance.history import play
from tests.acceptance.receiver import Receiver, answer
from tests.acceptance.server import CHECKOUT, Server
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import until
from tests.demo.contract import Contract
from tests.webhooks import ANNA, encode, redemption, webhook

TOKEN = "the-token-of-the-console"
EVENT = "Customer Redemption Succeeded"
EMAIL = "anna@example.com"
"""Of every customer."""
SIZE_KNOWN = 24
"""Bytes of a PNG by which its width and height are told."""

A_WHILE = 20_000
"""Milliseconds, as a page counts them: longer than any page waits before it looks again."""

REFUSES = "refused"
"""What the name of a customer begins with whose events Segment refuses until that is mended."""


@dataclass
class Console:
    """A bridge whose Segment refuses some customers' events."""

    server: Server
    segment: Receiver
    mended: set[str]

    def refuse(self, user: str) -> None:
        """An event of ``user`` becomes a dead letter, and Segment would take it by now."""
        assert self.server.status(redeems(f"{REFUSES}-{user}")) == "accepted"
        until(lambda: any(f"{REFUSES}-{user}" in seen for seen in self._refused), "it is refused")
        self.mended.add(f"{REFUSES}-{user}")

    def __post_init__(self) -> None:
        self._refused: list[str] = []
        self.segment.script = self._answer

    def _answer(self, batch: Sequence[Event]) -> Response | None:
        refused = [event["userId"] for event in batch if event["userId"].startswith(REFUSES)]
        open_ones = [user for user in refused if user not in self.mended]
        if open_ones and len(batch) == 1:
            self._refused += open_ones
        return answer(400) if open_ones else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, contract: Contract) -> Iterator[Console]:
    """One for all tests: each has customers of its own."""
    directory = tmp_path_factory.mktemp("console")
    url = f"sqlite:///{directory / 'bridge.db'}"
    play(url, time.time())
    yield from _serve(directory, url, contract)


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_url: str, contract: Contract) -> Iterator[Console]:
    yield from _serve(tmp_path, postgres_url, contract)


def _serve(directory: Path, url: str, contract: Contract) -> Iterator[Console]:
    with ExitStack() as open_ones, serving(directory) as serve:
        segment, voucherify = Receiver(), Voucherify(contract)
        for side in (segment, voucherify):
            side.open()
            open_ones.callback(side.close)
        server = serve(url, segment, voucherify, BRIDGE_ADMIN_TOKEN=TOKEN)
        yield Console(server, segment, set())
        assert TOKEN not in server.log


def walk(seen: Window, console: Console, user: str) -> None:
    """Sign in, see a failed event, read why, replay it, see it delivered."""
    console.refuse(user)
    seen.sign_in(TOKEN)
    assert "Voucherify → Segment" in seen.text()
    assert seen.fits()
    seen.follow("Events")
    seen.page.get_by_label("Status").select_option("dead letter")
    seen.page.get_by_label("Customer").fill(f"{REFUSES}-{user}")
    seen.press("Find")
    assert seen.fits()
    seen.follow(EVENT)
    text = seen.text()
    assert "dead letter" in text
    assert "rejected 400" in text
    assert "Responses" in text
    assert "scripted" in text
    assert f'"{REFUSES}-{user}"' not in text
    assert EMAIL not in text
    assert seen.fits()
    seen.press("Show")
    assert f'"{REFUSES}-{user}"' in seen.text()
    assert EMAIL in seen.text()
    seen.follow("Hide")
    seen.press("Replay")
    assert "Replayed: to be sent." in seen.text()

    def delivered() -> bool:
        seen.page.reload()
        return "The service has accepted it." in seen.text()

    until(delivered, "it is delivered")
    assert f"{REFUSES}-{user}" in console.segment.users()
    seen.follow("Audit")
    assert "saw customer data" in seen.text()
    assert "console: Grace" in seen.text()
    assert seen.fits()
    seen.press("Sign out")
    assert "Admin token" in seen.text()


@pytest.mark.parametrize(
    ("size", "scripts"),
    [(DESKTOP, True), (PHONE, True), (DESKTOP, False)],
    ids=["desktop", "phone", "without JavaScript"],
)
def test_an_operator_finds_what_failed_and_runs_it_again(
    *, browser: Browser, console: Console, size: tuple[int, int], scripts: bool
) -> None:
    with window(browser, console.server.root, size, scripts=scripts) as seen:
        walk(seen, console, f"{size[0]}-{scripts}")


def test_the_same_on_postgresql(browser: Browser, on_postgres: Console) -> None:
    with window(browser, on_postgres.server.root) as seen:
        walk(seen, on_postgres, "ida")


def test_many_are_run_again_in_the_background(browser: Browser, console: Console) -> None:
    users = [f"bulk-{number}" for number in range(30)]
    for user in users:
        console.refuse(user)
    with window(browser, console.server.root) as seen:
        seen.sign_in(TOKEN)
        seen.open("/events?status=dead&direction=to_segment&error=scripted")
        seen.follow("Replay all of these…")
        assert "30 events" in seen.text()
        seen.press("Replay them")
        # The page follows by itself.
        seen.page.get_by_text("30 of 30").wait_for()
        seen.page.get_by_text("done").wait_for()
        console.segment.wait_for([f"{REFUSES}-{user}" for user in users])


def test_a_list_refreshes_itself_unless_somebody_says_no(browser: Browser, console: Console) -> None:
    with window(browser, console.server.root) as seen:
        seen.page.clock.install()
        seen.sign_in(TOKEN)
        seen.open("/events?status=quarantined")
        rows = seen.page.locator("table.list tbody tr")
        before = rows.count()
        console.server.post(b"raw words")
        seen.page.clock.run_for(A_WHILE)
        until(lambda: rows.count() == before + 1, "it is there")
        seen.press("Pause refreshing")
        asked = len(seen.requests)
        seen.page.clock.run_for(A_WHILE)
        assert len(seen.requests) == asked


def test_what_came_in_is_shown_and_never_run(browser: Browser, console: Console) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    body = encode(webhook(hostile, redemption(customer={**ANNA, "name": hostile}), event_id="ev_hostile"))
    event_id = console.server.outcome(body)["id"]
    with window(browser, console.server.root) as seen:
        seen.page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        seen.sign_in(TOKEN)
        seen.open(f"/events/{event_id}")
        seen.press("Show")
        assert hostile in seen.text()
        seen.open("/events?status=ignored")
        assert hostile in seen.text()


@pytest.mark.parametrize(("size", "dark"), [(PHONE, False), (DESKTOP, True)], ids=["phone, light", "desktop, dark"])
def test_nobody_is_kept_out(*, browser: Browser, console: Console, dark: bool, size: tuple[int, int]) -> None:
    """On every page axe finds nothing serious or critical."""
    console.refuse(f"axe-{size[0]}-{dark}")
    barriers = []
    with window(browser, console.server.root, size, dark=dark) as seen:
        seen.open("/sign-in")
        barriers += seen.barriers()
        seen.sign_in(TOKEN)
        for path in (
            "/",
            "/?period=7d",
            "/events",
            "/events?status=dead",
            "/events?customer=nobody",
            "/replays/new?status=dead",
            "/replays",
            "/audit",
            "/events/NOTHING",
        ):
            seen.open(path)
            assert seen.fits(), path
            barriers += seen.barriers()
        seen.open("/events?status=dead")
        seen.page.locator("table.list tbody a").first.click()
        barriers += seen.barriers()
        seen.press("Show")
        barriers += seen.barriers()
        assert seen.fits()
        seen.open("/replays/new?status=ignored")
        seen.press("Replay them")
        barriers += seen.barriers()
    assert barriers == []


def test_the_look_for_barriers_finds_one(browser: Browser, console: Console) -> None:
    with window(browser, console.server.root) as seen:
        seen.open("/sign-in")
        assert seen.barriers() == []
        seen.page.evaluate("document.querySelector('label').remove()")
        assert any("label: <input" in found for found in seen.barriers())


SHOTS = CHECKOUT / "deploy" / "screenshots"


def test_the_documentation_shows_the_console_as_it_is(browser: Browser, console: Console) -> None:
    """With BRIDGE_SCREENSHOTS=1 the pictures are made anew; without, they must be there, and the pages as well."""
    fresh = {}
    with window(browser, console.server.root, PICTURE) as seen:
        seen.sign_in(TOKEN)
        fresh["overview"] = seen.page.screenshot()
        seen.follow("Events")
        fresh["events"] = seen.page.screenshot()
        seen.open("/events?status=dead&direction=to_voucherify")
        seen.page.locator("table.list tbody a").first.click()
        seen.page.get_by_role("heading", name="Responses").wait_for()
        fresh["event"] = seen.page.screenshot()
    page = (CHECKOUT / "docs" / "console.md").read_text()
    for name, picture in fresh.items():
        shown = SHOTS / f"{name}.png"
        if os.environ.get("BRIDGE_SCREENSHOTS"):
            shown.write_bytes(picture)
        assert f"](../deploy/screenshots/{name}.png)" in page
        assert shown.read_bytes()[:SIZE_KNOWN] == picture[:SIZE_KNOWN]
