"""A process that uses a database at the same time as others.

Usage: ``python contender.py WHAT URL``. It prints that it is ready, waits for a line, does its work, and prints the
outcome as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[2]))

from bridge.delivery.database.engine import Database, revision
from bridge.delivery.database.tables import deliveries
from bridge.delivery.outbox.outbox import Outbox, Settlement
from bridge.delivery.rules.retry import Policy, decide
from bridge.errors import SeenMeanwhile
from bridge.messages import Arrival, Identity, Outgoing, Status
from tests.delivery.arrivals import SINK, Received, keep_together, packed
from tests.delivery.sinks import ScriptedSink

EVENTS = 60
CALLS, INTERVAL, MOMENT = 20, 5.0, 2_000.0
LANES, ROUNDS = 5, 12
PATIENCE = 60.0


def migrate(database: Database) -> object:
    database.migrate()
    with database.reading() as connection:
        return revision(connection)


def keep(database: Database) -> object:
    statuses = []
    for number in range(EVENTS):
        identity = Identity(number.to_bytes(32, "little"), bytes(32))
        outgoing = Outgoing(SINK, f"key-{number}", b"{}")
        arrival = Arrival(Status.ACCEPTED, "Customer Rewarded", identity=identity, outgoing=(outgoing,))
        statuses.append(_kept(database, packed(b"{}", arrival, 1_000.0)))
    return statuses


def _kept(database: Database, one: Received) -> str:
    """Write as a translator does: decide again after a lost race."""
    while True:
        try:
            [kept] = keep_together(database, one)
        except SeenMeanwhile:
            continue
        return kept.status


def reserve(database: Database) -> object:
    return [Outbox(database).reserve(SINK, INTERVAL, MOMENT) for _ in range(CALLS)]


def lanes(database: Database) -> object:
    """Add calls to every lane and deliver them, until none is left.

    Returns the number that is left if that takes too long.
    """
    outbox = Outbox(database)
    for turn in range(ROUNDS):
        for lane in range(LANES):
            payload = json.dumps([os.getpid(), lane, turn]).encode()
            outgoing = Outgoing(SINK, f"{os.getpid()}-{lane}-{turn}", payload, f"lane-{lane}", mergeable=turn % 3 == 0)
            arrival = Arrival(Status.ACCEPTED, "Call", outgoing=(outgoing,))
            keep_together(database, packed(b"{}", arrival, time.time()))
        _deliver(outbox)
    ends = time.monotonic() + PATIENCE
    while (left := _unsettled(database)) and time.monotonic() < ends:
        _deliver(outbox)
    return left


def _unsettled(database: Database) -> int:
    with database.reading() as connection:
        statement = select(func.count()).select_from(deliveries).where(deliveries.c.settled_at.is_(None))
        found: int = connection.execute(statement).scalar_one()
    return found


def _deliver(outbox: Outbox) -> None:
    sink, policy = ScriptedSink(max_count=3), Policy(86_400.0)
    now = time.time()
    claims = outbox.claim(sink, now, 600.0)
    outcomes = sink.send([claim.parcel for claim in claims])
    settled = [
        Settlement(claim, outcome, decide(outcome, claim.tried, policy, now, 0.5))
        for claim, outcome in zip(claims, outcomes, strict=True)
    ]
    if settled:
        outbox.settle(SINK, settled, now, time.time())


def main(what: str, url: str) -> None:
    database = Database(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps({"migrate": migrate, "keep": keep, "reserve": reserve, "lanes": lanes}[what](database)))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
