"""A process of its own that uses a database at the same time as others: ``python contender.py migrate|keep URL``.

It says that it is ready, waits for a line, does it, and prints what came of it as JSON.
"""

import json
import sys

from bridge.arrival import Arrival, Identity, Outgoing, Status
from bridge.delivery.database import Database, revision
from bridge.delivery.group_commit import GroupCommit
from bridge.delivery.store import Received

EVENTS = 60


def migrate(database: Database) -> object:
    database.migrate()
    with database.reading() as connection:
        return revision(connection)


def keep(database: Database) -> object:
    commit = GroupCommit(database)
    statuses = []
    for number in range(EVENTS):
        identity = Identity(number.to_bytes(32, "little"), bytes(32))
        outgoing = Outgoing("sink", f"key-{number}", b"{}")
        arrival = Arrival(Status.ACCEPTED, "Customer Rewarded", identity=identity, outgoing=(outgoing,))
        statuses.append(commit.keep(Received.pack("to_segment", b"{}", arrival, 1_000.0)).status)
    return statuses


def main(what: str, url: str) -> None:
    database = Database(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps({"migrate": migrate, "keep": keep}[what](database)))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
