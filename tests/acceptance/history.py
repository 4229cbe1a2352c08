"""A bookshop's last day, as a bridge would have kept it: for pages that are to look like something."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import accumulate, count

from bridge.delivery.database.engine import Database
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.demo.calls import CALLS
from bridge.demo.samples import webhook
from bridge.doors import VOUCHERIFY
from bridge.json_text import write
from bridge.messages import Message
from bridge.to_segment.catalogue import EVENTS
from tests.acceptance.inbox import message, store, translate
from tests.delivery.sinks import ScriptedSink

HOURS = 24
ROUGH = 60
"""Minutes at the end in which more goes wrong than usual, so that a list has all there is."""
PHONE = "+46 40 123456"

DETAILS = f"Property .phone: {PHONE} is not a phone number"
REFUSED = Outcome(
    Happened.REJECTED,
    400,
    json.dumps({"code": 400, "key": "invalid_payload", "message": "Invalid phone number", "details": DETAILS}),
)
DOWN = Outcome(Happened.FAILED, 503, "upstream connect error")
TAKEN = {
    "segment": Outcome(Happened.DELIVERED, 200, '{"success": true}'),
    "voucherify": Outcome(Happened.DELIVERED, 200, '{"id": "cust_Uq3ZtB0sPl5nYc8K", "object": "customer"}'),
}


def play(url: str, now: float) -> None:
    """Fill the database with what came in during the hours before ``now``, and with what became of it."""
    dice = random.Random(1815)
    with closing(Database(url)) as database:
        database.migrate()
        for minute in range(HOURS * 60, 2, -10):
            at = now - 60.0 * minute
            busy = 2 + int(7 * (1 - abs((minute % 720) - 360) / 360))
            rough = 8.0 if minute < ROUGH else 1.0
            arrivals = [
                one for number in range(busy) for one in _arrivals(dice, f"{minute}{number}", at + number, rough)
            ]
            store(database, arrivals)
            translate(database, url)
            for sink in TAKEN:
                _deliver(Outbox(database), sink, dice, at + 6)


def _arrivals(dice: random.Random, unique: str, at: float, rough: float) -> Iterator[Message]:
    """A webhook, and often a call; ``rough`` times as often as usual something is wrong with them."""
    event = dice.choices(EVENTS, weights=range(len(EVENTS) + 4, 4, -1))[0]
    body = webhook(event, unique, datetime.fromtimestamp(at, UTC))
    chance = dice.random() / rough
    if chance < 0.01:
        body = b'{"code": "AUTUMN-7F3K", "to": "ada@example.com"}'
    elif chance < 0.06:
        body = body.replace(b'"source_id": "ada-1815"', b'"source_id": null')
    yield message(VOUCHERIFY, body, at)
    if dice.random() < 0.6:
        path, call = dice.choice(list(CALLS.values()))
        who = {"source_id": f"reader-{dice.randrange(900)}", "email": "ada@example.com"}
        made = {**call, "customer": who} if "customer" in call else {**call, **who}
        if path.startswith("customer") and dice.random() / rough < 0.15:
            made["phone"] = PHONE
        yield message(f"segmentio/{path}", write(made), at)


def _deliver(outbox: Outbox, name: str, dice: random.Random, at: float) -> None:
    """Whatever is due then. A phone number is refused; now and then a service is down, and tried again at once."""

    def answer(payload: bytes) -> Outcome:
        if PHONE.encode() in payload:
            return REFUSED
        return DOWN if dice.random() < 0.04 else TAKEN[name]

    sink = ScriptedSink(answer, max_bytes=1_000_000)
    sink.name = name
    for later in range(2):
        Worker(outbox, sink, Policy(max_age=7 * 86_400.0), _clock(dice, at + later), lambda: 0.0).step()


def _clock(dice: random.Random, at: float) -> Callable[[], float]:
    """A call takes some tenths of a second."""
    times = accumulate((dice.random() / 4 for _ in count()), initial=at)
    return lambda: next(times)
