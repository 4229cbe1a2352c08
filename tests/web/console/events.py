"""Store, deliver and audit events of the console's tests."""

import json
from collections.abc import Callable
from typing import Any

from bridge.bootstrap import Bridge
from bridge.delivery.database.tables import audit
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.doors import VOUCHERIFY_WEBHOOKS
from bridge.signature import sign
from tests.delivery.arrivals import rows
from tests.delivery.sinks import ScriptedSink
from tests.webhooks import ANNA, encode, redemption, webhook

PERSONAL = ("anna@example.com", "Anna Ek", "anna-1", "Malmö")
EMAIL = PERSONAL[0]
REFUSAL = json.dumps({"code": 400, "key": "invalid", "message": "Invalid", "details": f"{ANNA['email']} is blocked"})
REFUSED = Outcome(Happened.REJECTED, 400, REFUSAL)

Post = Callable[..., str]


def store(bridge: Bridge, message: Any = None, unique: str = "1") -> str:
    """Store a webhook, given as a value or raw bytes, and return its id."""
    message = message or webhook("redemption.succeeded", redemption(f"r_{unique}"), event_id=f"ev_{unique}")
    body = message if isinstance(message, bytes) else encode(message)
    message_id: str = bridge.intakes[VOUCHERIFY_WEBHOOKS].take(body, sign(body, "secret"), "request-1").id
    return message_id


def deliver(bridge: Bridge, outcome: Outcome, sink: str = "segment") -> None:
    answering = ScriptedSink(lambda _: outcome, max_bytes=1_000_000)
    answering.name = sink
    Worker(Outbox(bridge.database), answering, Policy(max_age=86_400.0)).step()


def did(bridge: Bridge) -> list[tuple[str, str, str | None]]:
    return [(row["who"], row["did"], row["event_id"]) for row in rows(bridge.database, audit)][1:]
