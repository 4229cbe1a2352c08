"""Messages that come in by the inbox, and translators that take them one step at a time."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
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
from bridge.messages import Kept, Message
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.to_voucherify.raw_events.presets import PRESETS
from bridge.translation import Translator
from tests.webhooks import encode, redemption, webhook

CALL = "segmentio/event-processing"
TRACK, BATCH = "v1/track", "v1/batch"


class Silent:
    """Wakes nothing."""

    def ring(self) -> None:
        pass


class Stand(Duty):
    """A process on duty, as a test says.

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
    """A message as a door hands it over."""
    queue, direction = DOORS[door].queue, DOORS[door].direction
    return Message(str(ULID.from_timestamp(at)), queue, direction, door, at, request, credential, body)


def redeemed(name: str = "r_1", **changes: Any) -> Message:
    """A webhook that is accepted, and makes one delivery."""
    return message(encode(webhook("redemption.succeeded", redemption(name), event_id=f"ev_{name}")), **changes)


def called(customer: str, number: int = 0, **changes: Any) -> Message:
    """A destination call: a custom event of ``customer``, in the customer's lane."""
    body = {
        "customer": {"source_id": customer},
        "event": f"Event {number}",
        "metadata": {"messageId": f"{customer}-{number}"},
        "type": "track",
    }
    return message(json.dumps(body).encode(), CALL, **changes)


def tracked(customer: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """A raw event of ``customer``."""
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
    """A batch of raw events."""
    return message(json.dumps({"batch": list(events)}).encode(), BATCH, **changes)


def append(database: Database, *messages: Message) -> list[str]:
    """Store messages, one after another; their ids."""
    inbox = Inbox(database, Silent())
    for one in messages:
        inbox.append(one)
    return [one.id for one in messages]


def translator(
    database: Database,
    queue: str,
    duty: Duty | None = None,
    *,
    mappings: Callable[[], Mappings] = lambda: PRESETS,
    workers: Mapping[str, Worker] | None = None,
) -> Translator:
    """A translator of ``queue``."""
    return Translator(database, queue, duty or Stand(), mappings, workers or {})


def drain(database: Database, queue: str, duty: Duty | None = None) -> int:
    """Translate whatever waits in ``queue``; how many rounds that took."""
    one, taken = translator(database, queue, duty), 0
    while one.step():
        taken += 1
    return taken


def arrive(database: Database, *messages: Message) -> list[list[Kept]]:
    """Store messages, and translate them; of each, what became of its events."""
    ids = append(database, *messages)
    for queue in dict.fromkeys(one.queue for one in messages):
        drain(database, queue)
    return became(database, *ids)


def became(database: Database, *ids: str) -> list[list[Kept]]:
    """Of each message, what became of its events."""
    with database.reading() as connection:
        return [list(outcomes(connection, one)) for one in ids]
