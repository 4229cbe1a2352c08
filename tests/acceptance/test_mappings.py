"""A file of mappings, changed while the bridge runs: nothing is lost, and a mistake leaves what was right in force."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.process import WRITE_KEY
from tests.acceptance.server import SEVERAL, Server
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import PATIENCE, until

CUSTOMER = {"source_id": {"@path": "$.userId"}}
WRONG = [{"name": "wrong"}]


def naming(event: str) -> list[dict[str, Any]]:
    """Mappings that give the custom event this name."""
    mapping = {"customer": CUSTOMER, "event": event, "type": {"@path": "$.type"}}
    return [{"name": event, "subscribe": 'type = "track"', "partnerAction": "addCustomEvent", "mapping": mapping}]


def write(path: Path, value: Any) -> None:
    """In one step, as who changes a file in production should."""
    path.with_suffix(".new").write_text(json.dumps(value))
    path.with_suffix(".new").replace(path)


class Poster:
    """Posts event after event, and remembers what was answered."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.answers: list[int] = []

    def post(self) -> None:
        value = {"userId": "anna", "event": "Any", "messageId": f"m-{len(self.answers)}"}
        response = requests.post(f"{self._server.root}/v1/track", json=value, auth=(WRITE_KEY, ""), timeout=PATIENCE)
        self.answers.append(response.status_code)

    @contextmanager
    def steadily(self) -> Iterator[None]:
        """All the time, on a thread of its own."""
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(0.01):
                self.post()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def newest(books: Books) -> str:
    found = books.rows("SELECT key FROM deliveries ORDER BY id DESC LIMIT 1")
    return str(json.loads(found[0][0])[0]) if found else ""


def test_changes_take_effect_and_mistakes_do_not(
    sqlite_url: str, serve: Serve, voucherify: Voucherify, tmp_path: Path
) -> None:
    file, books = tmp_path / "mappings.json", Books(sqlite_url)
    write(file, naming("First"))
    server = serve(sqlite_url, voucherify, *SEVERAL, BRIDGE_WRITE_KEYS=WRITE_KEY, BRIDGE_MAPPINGS=str(file))
    poster = Poster(server)
    with poster.steadily():
        until(lambda: newest(books) == "First", "the file is in force")

        write(file, naming("Second"))
        until(lambda: newest(books) == "Second", "a change is in force")

        write(file, WRONG)
        until(lambda: "mapping file wrong" in server.log, "a mistake is told")
        before = set(server.workers())
        server.signal(signal.SIGHUP)
        until(lambda: not before & set(server.workers()), "other processes have begun")
        server.kill_workers()
        count = len(poster.answers)
        until(lambda: len(poster.answers) > count + 20, "they serve")
        assert newest(books) == "Second"

        write(file, naming("Third"))
        until(lambda: newest(books) == "Third", "the mended file is in force")
    assert {json.loads(key)[0] for (key,) in books.rows("SELECT key FROM deliveries")} == {"First", "Second", "Third"}


def test_a_mistake_is_told_though_no_raw_event_comes(
    sqlite_url: str, serve: Serve, voucherify: Voucherify, tmp_path: Path
) -> None:
    file = tmp_path / "mappings.json"
    write(file, naming("First"))
    server = serve(sqlite_url, voucherify, BRIDGE_WRITE_KEYS=WRITE_KEY, BRIDGE_MAPPINGS=str(file))
    write(file, WRONG)
    until(lambda: "mapping file wrong" in server.log, "the mistake is told")


def test_raw_events_wait_while_a_file_was_never_right(
    sqlite_url: str, serve: Serve, voucherify: Voucherify, tmp_path: Path
) -> None:
    file = tmp_path / "mappings.json"
    write(file, WRONG)
    server = serve(sqlite_url, voucherify, BRIDGE_WRITE_KEYS=WRITE_KEY, BRIDGE_MAPPINGS=str(file))
    until(lambda: "raw events wait" in (server.checks().get("translation") or ""), "readyz says why")
    assert r"mapping 1 \"wrong\": partnerAction: must be one of" in server.log
