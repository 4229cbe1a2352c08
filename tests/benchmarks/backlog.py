"""Fills a database with webhooks that wait to be delivered.

``python -m tests.benchmarks.backlog DATABASE_URL FIRST_NUMBER COUNT``
"""

import sys
import time
from datetime import UTC, datetime

from bridge.delivery.store import Message, Received, keep
from ulid import ULID

from bridge import to_segment
from bridge.delivery.database import Database
from bridge.intake import WEBHOOKS
from tests.benchmarks import redemption

TOGETHER = 1_000
"""Webhooks that one transaction keeps."""


def fill(database: Database, first: int, count: int) -> None:
    """By the same steps as a request, but for HTTP."""
    for start in range(first, first + count, TOGETHER):
        received = [_received(number) for number in range(start, min(start + TOGETHER, first + count))]
        with database.writing() as connection:
            keep(connection, received)


def _received(number: int) -> Received:
    body, now = redemption.body(number), time.time()
    message = Message(str(ULID()), WEBHOOKS, to_segment.DIRECTION, body, now)
    return Received.pack(message, to_segment.translate(body, datetime.fromtimestamp(now, UTC)))


if __name__ == "__main__":
    opened = Database(sys.argv[1])
    fill(opened, int(sys.argv[2]), int(sys.argv[3]))
    opened.close()
