"""Open the console in a real browser: Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

from tests.acceptance import node
from tests.acceptance.chromium import find
from tests.acceptance.waiting import PATIENCE

# Playwright's own Node.js needs a library that a bare machine lacks.
os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node.PROGRAM))

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

DESKTOP, PHONE, PICTURE = (1280, 860), (390, 844), (1240, 740)

SERIOUS = ("serious", "critical")


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    found = find(playwright)
    browser = playwright.chromium.launch(
        executable_path=found.executable,
        env={**os.environ, **found.variables},
        args=list(ARGUMENTS),
        timeout=1000 * PATIENCE,
    )
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Window:
    """A window on the console, which notes what it must not do."""

    page: Page
    root: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str = "/") -> None:
        self.page.goto(f"{self.root}/console{path}")

    def sign_in(self, token: str, name: str = "Grace") -> None:
        self.open()
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("Admin token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Overview").wait_for()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def fits(self) -> bool:
        """Whether nothing has to be looked for beside the window."""
        # A locator waits for its element: a page that has just been asked for may have none yet.
        return bool(self.page.locator("html").evaluate("html => html.scrollWidth <= window.innerWidth"))

    def barriers(self) -> list[str]:
        """What axe finds that keeps somebody out."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{self.page.url}: {one['id']}: {node['html']}"
            for one in found
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]

    def assert_kept_to_itself(self) -> None:
        """No other host was asked, and the browser has not complained: no policy was violated, no script failed."""
        assert [url for url in self.requests if not url.startswith((self.root, "data:"))] == []
        assert self.complaints == []

    def _said(self, message: ConsoleMessage) -> None:
        # A page of an error is one, too.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)


@contextmanager
def window(
    browser: Browser, root: str, size: tuple[int, int] = DESKTOP, *, scripts: bool = True, dark: bool = False
) -> Iterator[Window]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=scripts,
        color_scheme="dark" if dark else "light",
        has_touch=size == PHONE,
    )
    try:
        opened = Window(context.new_page(), root)
        yield opened
        opened.assert_kept_to_itself()
    finally:
        context.close()
