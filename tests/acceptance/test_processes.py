"""What gunicorn does to its processes while events are under way: each is delivered exactly once."""

import signal
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bridge.demo.segment import Event
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import SEVERAL, Server
from tests.acceptance.waiting import until


def deliver_all(server: Server, names: Sequence[str]) -> None:
    """As Voucherify would: four at a time, each until there is a 2xx."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: server.deliver(redeems(name)), names))


def test_sigterm_during_a_delivery_finishes_it_and_exits_with_0(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL)
    names = users(30)

    def terminate(batch: Sequence[Event]) -> None:
        if len(segment.calls) == 1:
            server.signal(signal.SIGTERM)
            # Both workers know by now: each has closed the door.
            until(lambda: server.log.count("Worker exiting") == 2, "the workers are told")

    segment.script = terminate
    books.hold_back()
    for name in names:
        assert server.status(redeems(name)) == "accepted"
    books.move_time()

    assert server.wait() == 0

    assert books.deliveries() == Counter(delivered=len(names))
    segment.assert_once(names)


def test_under_preload_the_workers_deliver_and_so_do_those_that_follow_them(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL, "--preload")
    early, late = users(50, "early"), users(50, "late")
    deliver_all(server, early)
    books.wait_until_settled(len(early))
    killed = server.workers()
    server.kill_workers()
    until(lambda: len(set(server.workers()) - set(killed)) == 2, "others have taken their place")

    deliver_all(server, late)

    books.wait_until_settled(len(early + late))
    assert server.stop() == 0
    segment.assert_once(early + late)


def test_workers_that_retire_after_some_requests_lose_nothing(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL, "--max-requests", "20")
    names = users(200)

    deliver_all(server, names)

    books.wait_until_settled(len(names))
    segment.assert_once(names)
    assert server.log.count("Booting worker") > 2


def test_a_reload_under_load_loses_nothing(database_url: str, serve: Serve, segment: Receiver, books: Books) -> None:
    server = serve(database_url, segment, *SEVERAL)
    before = set(server.workers())
    names = users(100)
    with ThreadPoolExecutor(4) as pool:
        posts = [pool.submit(server.deliver, redeems(name)) for name in names[:60]]
        until(lambda: sum(post.done() for post in posts) >= 20, "the load is on")
        server.signal(signal.SIGHUP)
        for post in posts:
            post.result()
    until(lambda: len(set(server.workers()) - before) == 2 and not before & set(server.workers()), "it has reloaded")
    deliver_all(server, names[60:])

    books.wait_until_settled(len(names))
    segment.assert_once(names)
