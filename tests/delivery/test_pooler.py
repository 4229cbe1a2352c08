"""A transaction pooler in front of PostgreSQL.

Each transaction may run on another server connection.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.engine import make_url

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries
from bridge.delivery.outbox.outbox import Outbox, Settlement
from bridge.delivery.rules.retry import Decision, Fate
from bridge.delivery.rules.sink import Happened, Outcome
from tests.delivery.arrivals import SINK, keep, received, rows
from tests.delivery.pooler import Pooler
from tests.delivery.sinks import ScriptedSink

NOW, CLIENTS, EACH = 2_000.0, 6, 15


def work(database: Database, number: int) -> None:
    """Append, claim and settle often, so that the driver would prepare statements."""
    outbox, sink = Outbox(database), ScriptedSink(max_count=2)
    for turn in range(EACH):
        keep(database, received(f"{number}-{turn}", at=1_000.0 + turn))
        claims = outbox.claim(sink, NOW, lease=40.0)
        done = Outcome(Happened.DELIVERED, 200), Decision(Fate.DELIVERED, NOW, 1)
        outbox.settle(SINK, [Settlement(one, *done) for one in claims], NOW, NOW)


def test_many_clients_share_few_connections(postgres_url: str, open_database: Callable[[str], Database]) -> None:
    with Pooler(make_url(postgres_url), size=2) as pooler:
        url = f"postgresql://postgres@127.0.0.1:{pooler.port}/any"
        databases = [open_database(url) for _ in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(work, databases, range(CLIENTS)))
        settled = [row["status"] for row in rows(databases[0], deliveries)]
        for database in databases:
            database.close()
    assert settled == ["delivered"] * (CLIENTS * EACH)
    assert min(pooler.loans) > EACH, "both connections were used by all"
