"""The same webhook at the same moment, at several processes: one delivery."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import Server
from tests.webhooks import ANNA, distribution, encode, redemption, webhook

TOGETHER = 4


def post_together(servers: list[Server], rounds: list[list[bytes]]) -> list[list[str]]:
    """Each round's bodies at the same moment, in turn to the servers; what became of them, by round."""
    start = Barrier(TOGETHER)

    def poster(position: int) -> list[str]:
        told = []
        for bodies in rounds:
            start.wait(30)
            told.append(servers[position % len(servers)].status(bodies[position]))
        return told

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(map(list, zip(*pool.map(poster, range(TOGETHER)), strict=True)))


def told_by_both(name: str) -> list[bytes]:
    """One redemption as a project webhook and as a distribution, which are two events to Voucherify."""
    data = redemption(f"r_{name}", customer={**ANNA, "source_id": name})
    project = encode(webhook("redemption.succeeded", data, event_id=f"ev_p_{name}"))
    distributed = encode(distribution("redemption.succeeded", data, event_id=f"ev_d_{name}"))
    return [project, distributed, distributed, project]


def test_what_comes_several_times_at_the_same_moment_to_two_servers_is_delivered_once(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    servers = [serve(database_url, segment), serve(database_url, segment)]
    repeated, twofold = users(40, "repeated"), users(20, "twofold")
    names = repeated + twofold

    told = post_together(
        servers, [[redeems(name)] * TOGETHER for name in repeated] + [told_by_both(name) for name in twofold]
    )

    assert [Counter(each) for each in told] == [Counter(accepted=1, duplicate=TOGETHER - 1)] * len(names)
    books.wait_until_settled(len(names))
    segment.assert_once(names)
    assert books.events() == Counter(accepted=len(names))


def test_after_delivery_and_a_restart_a_repeat_is_a_duplicate_and_a_contradiction_is_quarantined(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment)
    assert server.status(redeems("ada")) == "accepted"
    books.wait_until_settled(1)
    assert server.stop() == 0
    server.start()

    assert [server.status(redeems("ada")), server.status(redeems("eve", "ada"))] == ["duplicate", "quarantined"]

    assert books.deliveries() == Counter(delivered=1)
    segment.assert_once(["ada"])
