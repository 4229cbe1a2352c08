"""Messages of the inbox, and translators that take single steps."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ulid import ULID

from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import Inbox
from bridge.delivery.inbox.outcomes import outcomes
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.process.duty import Duty
from bridge.doors import DOORS, VOUCHERIFY
from bridge.host import Host
from bridge.mapping_file import presets
from bridge.messages import EventOutcome, Message
from bridge.translation import Rules, Translator
from tests.webhooks import encode, redemption, webhook

PRESETS_ALONE = Rules(presets, {})
CALL = "segmentio/event-processing"
TRACK, BATCH = "v1/track", "v1/batch"


class Silent:
    """Wakes nothing."""

    def ring(self) -> None:
        pass


class Stand(Duty):
    """A process on duty, without its files.

    Args:
        dead: the holders that are known to have ended.
    """

    def __init__(self, name: str = "here", dead: Collection[str] = ()) -> None:
        super().__init__(Host(Path(), "sqlite://"))
        self.stands_for = name
        self.dead = dead

    @property
    def holder(self) -> str:
        return self.stands_for

    def is_dead(self, holder: str) -> bool:
        return holder in self.dead


def message(
    body: bytes, door: str = VOUCHERIFY, *, at: float = 1_700_000_000.0, credential: bytes = b"key", request: str = ""
) -> Message:
    """Return a message as a door appends it."""
    queue, direction = DOORS[door].queue, DOORS[door].direction
    return Message(str(ULID.from_timestamp(at)), queue, direction, door, at, request, credential, body)


def redeemed(name: str = "r_1", **changes: Any) -> Message:
    """Return a webhook that is accepted and has one delivery."""
    return message(encode(webhook("redemption.succeeded", redemption(name), event_id=f"ev_{name}")), **changes)


def called(customer: str, number: int = 0, **changes: Any) -> Message:
    """Return a destination call: a custom event in the lane of ``customer``."""
    body = {
        "customer": {"source_id": customer},
        "event": f"Event {number}",
        "metadata": {"messageId": f"{customer}-{number}"},
        "type": "track",
    }
    return message(json.dumps(body).encode(), CALL, **changes)


def tracked(customer: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a raw event of ``customer``."""
    return {
        "type": "track",
        "event": f"Event {number}",
        "messageId": f"raw-{customer}-{number}",
        "userId": customer,
        "timestamp": "2031-04-09T10:00:00.000Z",
        "properties": {"number": number},
        **changes,
    }


def batch(events: Iterable[Any], **changes: Any) -> Message:
    """Return a batch of raw events."""
    return message(json.dumps({"batch": list(events)}).encode(), BATCH, **changes)


def append(database: Database, *messages: Message) -> list[str]:
    """Append messages one after another, and return their ids."""
    inbox = Inbox(database, Silent())
    for one in messages:
        inbox.append(one)
    return [one.id for one in messages]


def translator(
    database: Database,
    queue: str,
    duty: Duty | None = None,
    *,
    rules: Rules = PRESETS_ALONE,
    workers: Mapping[str, Worker] | None = None,
) -> Translator:
    """Return a translator of ``queue``."""
    return Translator(database, queue, duty or Stand(), rules, workers or {})


def drain(database: Database, queue: str, duty: Duty | None = None) -> int:
    """Translate all messages of ``queue``, and return the number of rounds."""
    one, taken = translator(database, queue, duty), 0
    while one.step():
        taken += 1
    return taken


def arrive(database: Database, *messages: Message) -> list[list[EventOutcome]]:
    """Append and translate messages, and return the outcomes of their events."""
    ids = append(database, *messages)
    for queue in dict.fromkeys(one.queue for one in messages):
        drain(database, queue)
    return became(database, *ids)


def became(database: Database, *ids: str) -> list[list[EventOutcome]]:
    """Return the outcomes of each message's events."""
    with database.reading() as connection:
        return [list(outcomes(connection, one)) for one in ids]
