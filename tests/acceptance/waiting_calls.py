"""Calls of Segment's destination that wait to be delivered, as many as it takes."""

import json
import time
from collections.abc import Sequence
from contextlib import closing

from bridge.delivery.database.engine import Database
from tests.acceptance.destination import Call
from tests.acceptance.inbox import message, store, translate


def fill(database_url: str, calls: Sequence[Call]) -> None:
    """Store and translate them: their deliveries wait for a worker."""
    with closing(Database(database_url)) as database:
        database.migrate()
        now = time.time()
        store(database, [message(f"segmentio/{name}", json.dumps(told).encode(), now) for name, told in calls])
        translate(database, database_url)
