"""Calls of Segment's destination that wait to be delivered, as many as it takes, kept as the door keeps them."""

import json
import time
from collections.abc import Sequence
from contextlib import closing

from bridge.delivery.store import Message, Received, keep
from ulid import ULID

from bridge import to_voucherify
from bridge.delivery.database import Database
from bridge.intake import CALLS
from tests.acceptance.destination import Call

TOGETHER = 1_000


def fill(database_url: str, calls: Sequence[Call]) -> None:
    """By the same steps as a request, but for HTTP."""
    with closing(Database(database_url)) as database:
        database.migrate()
        for start in range(0, len(calls), TOGETHER):
            received = list(map(_received, calls[start : start + TOGETHER]))
            with database.writing() as connection:
                keep(connection, received)


def _received(call: Call) -> Received:
    name, told = call
    door, body, now = f"segmentio/{name}", json.dumps(told).encode(), time.time()
    message = Message(str(ULID()), door, to_voucherify.DIRECTION, body, now)
    return Received.pack(message, to_voucherify.translate(CALLS[door], body, message.id))
