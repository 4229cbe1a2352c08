"""Every example of Voucherify's own description of its webhooks, where a copy is at hand, and every sample of ours."""

import json
from collections.abc import Iterator
from typing import Any

from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import CHECKOUT
from tests.acceptance.test_events import DOCUMENT
from tests.webhooks import DATA, distribution, encode, webhook

DESCRIPTION = CHECKOUT.parent / "shared" / "voucherify" / "webhooks.openapi.json"


def examples() -> Iterator[tuple[str, Any]]:
    """Voucherify's type and ``data``."""
    yield from DATA.items()
    described = json.loads(DESCRIPTION.read_text())["webhooks"] if DESCRIPTION.exists() else {}
    for name, webhooks in described.items():
        for example in webhooks["post"]["requestBody"]["content"]["application/json"].get("examples", {}).values():
            yield name.lower().removeprefix("events."), example["value"]


def event_name(kind: str) -> str | None:
    found = DOCUMENT.get(kind) or DOCUMENT.get(kind.removeprefix("customer.")) or DOCUMENT.get(f"customer.{kind}")
    return found and found[0]


def test_every_example_gets_a_2xx_in_both_envelopes_and_the_known_ones_arrive_once(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment)
    told, expected, arriving = {}, {}, []

    for number, (kind, data) in enumerate(examples()):
        case, identity = f"{number} {kind}", {"project_id": f"proj_{number}", "event_id": f"ev_{number}"}
        told[case] = (
            server.status(encode(webhook(kind, data, **identity))),
            server.status(encode({**distribution(kind, data, **identity), "type": ""})),
        )
        name, customer = event_name(kind), data.get("customer") or {}
        is_known = bool(name and customer.get("source_id"))
        expected[case] = ("accepted", "duplicate") if is_known else ("ignored", "ignored")
        if is_known:
            arriving.append((f"proj_{number}", name, customer["source_id"]))

    assert told == expected
    books.wait_until_settled(len(arriving))
    assert sorted(
        (event["context"]["voucherify"]["project_id"], event["event"], event["userId"])
        for event in segment.stand_in.events
    ) == sorted(arriving)
    assert len({event["messageId"] for event in segment.stand_in.events}) == len(arriving)
