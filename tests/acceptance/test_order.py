"""What a customer does arrives in that order: each message is sent after the answer to the last, to any process."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.acceptance.books import Books
from tests.acceptance.conftest import Hire, Serve
from tests.acceptance.destination import Destination, track, users
from tests.acceptance.process import WRITE_KEY
from tests.acceptance.server import SEVERAL, Server
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import PATIENCE

STEPS = 15
CALLERS, SENDERS = users(4, "caller"), users(4, "sender")
"""Customers whose calls Segment's destination makes, and those whose events a library posts."""

KEYS = {"BRIDGE_WRITE_KEYS": WRITE_KEY}


def call(server: Server, user: str, step: int) -> None:
    Destination(server.root).store(track(user, f"Step {step}"))


def send(server: Server, user: str, step: int) -> None:
    event = {"userId": user, "event": f"Step {step}", "messageId": f"{user} {step}"}
    response = requests.post(f"{server.root}/v1/track", json=event, auth=(WRITE_KEY, ""), timeout=PATIENCE)
    assert response.json() == {"success": True}, response.text


def act(servers: Sequence[Server], post: Callable[[Server, str, int], None], user: str) -> None:
    """Every step of ``user``, in turn to the servers."""
    for step in range(STEPS):
        post(servers[step % len(servers)], user, step)


def assert_in_order(servers: Sequence[Server], voucherify: Voucherify, books: Books) -> None:
    with ThreadPoolExecutor(len(CALLERS + SENDERS)) as pool:
        acts = [pool.submit(act, servers, call, user) for user in CALLERS]
        acts += [pool.submit(act, servers, send, user) for user in SENDERS]
        for one in acts:
            one.result()
    books.wait_until_settled(STEPS * len(acts), patience=4 * PATIENCE)
    for user in CALLERS + SENDERS:
        arrived = [one["event"] for one in voucherify.project.events if one["customer"]["source_id"] == user]
        assert arrived == [f"Step {step}" for step in range(STEPS)], user


def test_through_two_processes_of_one_server(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    assert_in_order([serve(database_url, voucherify, *SEVERAL, **KEYS)], voucherify, books)


def test_with_two_workers(database_url: str, serve: Serve, hire: Hire, voucherify: Voucherify, books: Books) -> None:
    server = serve(database_url, voucherify, *SEVERAL, **KEYS, BRIDGE_WORKER="external")
    for _ in range(2):
        hire(database_url, voucherify, **KEYS)
    assert_in_order([server], voucherify, books)


def test_through_two_hosts(postgres_url: str, serve: Serve, voucherify: Voucherify, tmp_path: Path) -> None:
    """Each elects a worker of its own, and knows nothing of the other but the database."""
    folders = [str(tmp_path / name) for name in ("one", "another")]
    hosts = [serve(postgres_url, voucherify, **KEYS, BRIDGE_RUN_DIR=folder) for folder in folders]
    assert_in_order(hosts, voucherify, Books(postgres_url))
