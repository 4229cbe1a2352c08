"""``kill -9`` of everything under load: what was answered 2xx is translated and delivered, and nothing is doubled."""

import threading
import time
from collections.abc import Callable
from itertools import count

import requests

from tests.acceptance.books import Books
from tests.acceptance.conftest import Hire, Serve
from tests.acceptance.customers import redeems
from tests.acceptance.destination import Destination, track
from tests.acceptance.process import WRITE_KEY
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import SEVERAL, Server
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import PATIENCE, until

KILLS, SHARE, POSTERS = 3, 40, 4
CUT_OFF = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)

ROUND_LEASE = 10.0
"""Seconds after which a translator that shows no sign of life loses its round, on whatever host."""


class Load:
    """Posts each message once, from some threads.

    Attributes:
        stored: the customers whose message was answered 2xx.
        unknown: those whose message had another answer, or none.
    """

    def __init__(self, post: Callable[[str], bool]) -> None:
        self.stored: set[str] = set()
        self.unknown: set[str] = set()
        self._post = post
        self._numbers = count()

    def run_until(self, end: Callable[[], object]) -> None:
        """Post until ``end`` returns, which it does in the middle of it all."""
        stop = threading.Event()
        posters = [threading.Thread(target=self._run, args=(stop,)) for _ in range(POSTERS)]
        for one in posters:
            one.start()
        try:
            end()
        finally:
            stop.set()
            for one in posters:
                one.join()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            user = f"user-{next(self._numbers)}"
            try:
                is_stored = self._post(user)
            except CUT_OFF:
                is_stored = False
                stop.wait(0.05)  # nobody listens
            (self.stored if is_stored else self.unknown).add(user)

    def assert_arrived(self, arrived: set[str]) -> None:
        assert self.stored - arrived == set(), "answered 2xx, and lost"
        assert arrived - self.stored <= self.unknown


def kill_over_and_over(server: Server, books: Books, load: Load) -> None:
    for _ in range(KILLS):
        before = len(load.stored)

        def kill(before: int = before) -> None:
            until(lambda: len(load.stored) >= before + SHARE, f"{SHARE} more are stored")
            server.kill()

        load.run_until(kill)
        # What was in hand is anybody's; what may have been taken has been in doubt for a minute.
        books.end_leases()
        server.start()
    books.wait_until_translated()

    def settled() -> bool:
        books.move_backoff()
        return not books.deliveries().keys() & {"waiting", "queued", "sending"}

    until(settled, "everything is settled", patience=2 * PATIENCE)
    assert books.deliveries().keys() == {"delivered"}


def test_webhooks(database_url: str, serve: Serve, segment: Receiver, books: Books) -> None:
    server = serve(database_url, segment, *SEVERAL)
    load = Load(lambda user: server.post(redeems(user)).status_code == 202)

    kill_over_and_over(server, books, load)

    load.assert_arrived(set(segment.users()))
    # A batch that was sent and not recorded comes again, and Segment knows it by its ids.
    assert len({(event["userId"], event["messageId"]) for event in segment.stand_in.events}) == len(segment.users())
    assert books.deliveries().total() == len(segment.users())


def test_calls(database_url: str, serve: Serve, voucherify: Voucherify, books: Books) -> None:
    server = serve(database_url, voucherify, *SEVERAL)
    destination = Destination(server.root)
    load = Load(lambda user: destination.post(track(user)).status_code == 200)

    kill_over_and_over(server, books, load)

    arrived = voucherify.events()
    load.assert_arrived({user for user, _ in arrived})
    assert set(arrived.values()) == {1}, "recorded twice"
    assert books.deliveries().total() == len(arrived)


def test_another_process_of_the_host_goes_on_with_a_dead_translators_round(
    database_url: str, serve: Serve, hire: Hire, voucherify: Voucherify, books: Books
) -> None:
    batches, many = 4, 1_000
    keys = {"BRIDGE_WRITE_KEYS": WRITE_KEY}
    server = serve(database_url, voucherify, **keys, BRIDGE_WORKER="external")
    books.hold_back("voucherify")
    for batch in range(batches):
        events = [{"type": "track", "userId": f"user-{number}", "event": f"Step {batch}"} for number in range(many)]
        body = {"batch": events}
        response = requests.post(f"{server.root}/v1/batch", json=body, auth=(WRITE_KEY, ""), timeout=PATIENCE)
        assert response.json() == {"success": True}
    workers = [hire(database_url, voucherify, **keys) for _ in range(2)]
    until(lambda: books.rows("SELECT holder FROM rounds WHERE done > 0"), "a round is in hand")
    [(holder,)] = books.rows("SELECT holder FROM rounds")

    [holding] = [one for one in workers if f"-{one.master}-" in holder]
    holding.kill()
    killed_at = time.monotonic()
    until(lambda: books.rows("SELECT 1 FROM rounds WHERE holder <> :dead", dead=holder), "another one goes on")
    assert time.monotonic() - killed_at < ROUND_LEASE / 2

    until(lambda: books.events() == {"accepted": batches * many}, "all are translated", patience=3 * PATIENCE)
    assert books.deliveries() == {"waiting": many, "queued": (batches - 1) * many}
    steps = books.rows("SELECT key FROM deliveries WHERE lane = 'user-7' ORDER BY id")
    assert len(steps) == batches
