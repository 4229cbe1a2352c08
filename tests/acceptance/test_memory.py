"""Messages that look small and grow: the memory of a process and the size of the database stay bounded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import WRITE_KEY, Server
from tests.acceptance.voucherify import Voucherify
from tests.webhooks import encode, redemption, webhook

MOST_MEMORY = 300 * 1024
"""Kilobytes of a process, from its start on: VmHWM of /proc/PID/status."""

MOST_STORED = 100_000_000


def chains(levels: int, total: int) -> dict[str, Any]:
    """Objects within each other, many times, in about ``total`` bytes."""
    whole: dict[str, Any] = {}
    for number in range(total // (levels * 6)):
        inner: Any = 1
        for _ in range(levels):
            inner = {"a": inner}
        whole[f"k{number:05d}"] = inner
    return whole


def redeemed(metadata: Any) -> bytes:
    data = redemption()
    data["redemption"]["metadata"] = metadata
    return encode(webhook("redemption.succeeded", data))


WEBHOOKS: dict[str, Callable[[], list[bytes]]] = {
    "deep objects": lambda: [redeemed(chains(97, 150_000)), redeemed(chains(97, 900_000))],
    "empty objects": lambda: [redeemed({f"k{number:05d}": {} for number in range(80_000)})],
    "deep arrays": lambda: [redeemed({f"k{number:04d}": json.loads("[" * 90 + "]" * 90) for number in range(5_000)})],
    "many that compress well": lambda: [redeemed({"x": f"{number:03d}" + " " * 1_000_000}) for number in range(120)],
}


def peaks(server: Server) -> list[int]:
    """The most kilobytes that each process of a server has had."""
    processes = [psutil.Process(server.master), *psutil.Process(server.master).children(recursive=True)]
    texts = [Path(f"/proc/{one.pid}/status").read_text() for one in processes]
    return [int(text.partition("VmHWM:")[2].split()[0]) for text in texts]


@pytest.mark.parametrize("name", WEBHOOKS)
def test_a_signed_webhook_takes_little_memory(sqlite_url: str, serve: Serve, segment: Receiver, name: str) -> None:
    server, books = serve(sqlite_url, segment), Books(sqlite_url)
    bodies = WEBHOOKS[name]()
    for body in bodies:
        server.store(body)
    books.wait_until_translated()
    assert max(peaks(server)) < MOST_MEMORY
    assert books.messages() == len(bodies)
    assert books.events().total() == len(bodies)


@pytest.mark.parametrize(
    ("context_bytes", "status"),
    [(390_000, "quarantined"), (30_000, "accepted")],
    ids=["too large", "as large as may be"],
)
def test_a_shared_context_counts_for_each_event_of_its_batch(
    database_url: str, serve: Serve, voucherify: Voucherify, context_bytes: int, status: str
) -> None:
    server, books = serve(database_url, voucherify, BRIDGE_WRITE_KEYS=WRITE_KEY), Books(database_url)
    items = [{"type": "identify", "userId": f"u{number}"} for number in range(2_400)]
    batch = {"batch": items, "context": {"traits": {"x": "y" * context_bytes}}}
    books.hold_back("voucherify")
    response = requests.post(f"{server.root}/v1/batch", json=batch, auth=(WRITE_KEY, ""), timeout=60)
    assert response.status_code == 200
    books.wait_until_translated()
    assert books.events() == {status: len(items)}
    assert max(peaks(server)) < MOST_MEMORY
    [(stored,)] = books.rows("SELECT coalesce(sum(length(payload)), 0) FROM deliveries")
    assert int(stored) < MOST_STORED
