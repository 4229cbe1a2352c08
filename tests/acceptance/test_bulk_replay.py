"""A bulk replay whose process is killed goes on in the next, and runs no event twice."""

import time
from contextlib import closing

import requests

from bridge.delivery.database.engine import Database
from bridge.doors import VOUCHERIFY
from tests.acceptance.conftest import Serve
from tests.acceptance.inbox import message, store, translate
from tests.acceptance.receiver import Receiver
from tests.acceptance.waiting import PATIENCE, until

TOKEN = "the-token-of-the-console"
EVENTS = 400
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_it_survives_kill_9(database_url: str, serve: Serve, segment: Receiver) -> None:
    with closing(Database(database_url)) as database:
        database.migrate()
        began = time.time() - EVENTS  # not so long ago that the retention takes them away meanwhile
        store(database, [message(VOUCHERIFY, b"raw words %d" % number, began + number) for number in range(EVENTS)])
        translate(database, database_url)
    server = serve(database_url, segment, BRIDGE_ADMIN_TOKEN=TOKEN)
    calls = f"{server.root}/console/api/replays"
    begun = requests.post(calls, json={"status": "quarantined"}, headers=BEARER, timeout=PATIENCE)
    assert begun.status_code == 202

    def told() -> dict[str, object]:
        try:
            [one] = requests.get(calls, headers=BEARER, timeout=PATIENCE).json()
        except requests.ConnectionError:
            return {}
        return dict(one)

    until(lambda: told().get("done"), "it has begun")
    server.kill_workers()

    until(lambda: told().get("state") == "done", "it has ended", patience=4 * PATIENCE)
    done = told()
    assert (done["total"], done["done"], done["became"]) == (EVENTS, EVENTS, {"quarantined": EVENTS})
