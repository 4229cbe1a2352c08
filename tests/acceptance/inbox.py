"""Messages that are in the inbox, as many as it takes, stored and translated as the bridge does it, but for HTTP."""

from collections.abc import Iterable

from ulid import ULID

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import pack
from bridge.delivery.database.rows import insert_rows
from bridge.delivery.database.tables import messages, pending
from bridge.delivery.process.duty import Duty
from bridge.doors import DOORS
from bridge.host import Host
from bridge.messages import QUEUES, Message
from bridge.to_voucherify.raw_events.presets import PRESETS
from bridge.translation import Rules, Translator

TOGETHER = 1_000


def message(door: str, body: bytes, at: float) -> Message:
    """What was posted at a door, in epoch seconds."""
    row = DOORS[door]
    return Message(str(ULID.from_timestamp(at)), row.queue, row.direction, door, at, "request", bytes(16), body)


def store(database: Database, given: Iterable[Message]) -> None:
    """Append them, in this order."""
    for some in _portions(list(given)):
        rows = [
            {
                "id": one.id,
                "queue": one.queue,
                "direction": one.direction,
                "door": one.door,
                "received_at": one.at,
                "request_id": one.request_id,
                "credential": one.credential,
                "body": pack(one.body),
            }
            for one in some
        ]
        waiting = [{"queue": one.queue, "message_id": one.id, "size": len(one.body)} for one in some]
        with database.writing() as connection:
            insert_rows(connection, messages, rows)
            insert_rows(connection, pending, waiting)


def translate(database: Database, url: str) -> None:
    """Translate all that waits; nothing is sent."""
    duty = Duty(Host.of(None, url))
    duty.begin()
    try:
        for queue in QUEUES:
            translator = Translator(database, queue, duty, Rules(lambda: PRESETS, {}), {})
            while translator.step():
                pass
    finally:
        duty.end()


def _portions(given: list[Message]) -> Iterable[list[Message]]:
    for start in range(0, len(given), TOGETHER):
        yield given[start : start + TOGETHER]
