"""The other direction: calls a second from Segment's destination to Voucherify, and what a burst of identifies costs.

``python tests/benchmarks/destination.py`` (``--quick`` for a short look). Gunicorn with two processes and a worker of
its own, against a stand-in for Voucherify on this machine: what it shows is the bridge's own part, not Voucherify's.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import requests
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

# A script finds the modules beside it, and these are named as everywhere else in the tests.
sys.path[0] = str(Path(__file__).parents[2])
from bridge.delivery.database import Database  # noqa: E402 - see above
from bridge.demo.calls import credentials  # noqa: E402 - see above
from bridge.demo.serving import Served  # noqa: E402 - see above
from bridge.demo.voucherify import VoucherifyStandIn  # noqa: E402 - see above
from tests.benchmarks import databases, processes  # noqa: E402 - see above

HEADERS = {**credentials("app", "secret"), "Connection": "close"}
CUSTOMERS = 1_000
SENDERS = 16
TRICKLE = 50.0
"""Identifies a second when they trickle."""

PATIENCE = 300.0

Call = tuple[str, Mapping[str, Any]]


def identify(number: int) -> Call:
    traits = {"name": f"Customer {number}", "metadata": {"visits": str(number)}, "address": {}}
    return "customer-processing", {"source_id": f"customer-{number % CUSTOMERS}", "type": "identify", **traits}


def mixed(number: int) -> Call:
    """An identify, a custom event and a group in turn, customer by customer."""
    who = {"source_id": f"customer-{number // 3 % CUSTOMERS}"}
    event = {"customer": who, "event": f"Event {number}", "referral": {}, "loyalty": {}, "type": "track"}
    group = {"customer": who, "group_id": "club", "traits": {"plan": "gold"}, "type": "group"}
    return (identify(number // 3), ("event-processing", event), ("group-processing", group))[number % 3]


@contextmanager
def bridge(database_url: str, voucherify: VoucherifyStandIn, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The web processes, which deliver nothing; their address and environment."""
    with Served(voucherify.app()) as api:
        environment = {
            "VOUCHERIFY_APP_ID": "app",
            "VOUCHERIFY_SECRET_KEY": "secret",
            "VOUCHERIFY_API_URL": api.url,
            "BRIDGE_DATABASE_URL": database_url,
            "BRIDGE_WORKER": "external",
        }
        with processes.gunicorn("bridge.web:create_app()", folder, environment) as (_, port):
            url = f"http://127.0.0.1:{port}"
            _until(lambda: _answers(url))
            yield url, environment


def worker(folder: Path, environment: Mapping[str, str]) -> Any:
    return processes.running(
        [sys.executable, "-c", "from bridge.cli import main; main(['worker'])"], folder, environment
    )


def post(url: str, call: Call) -> None:
    path, body = call
    requests.post(f"{url}/segmentio/{path}", json=body, headers=HEADERS, timeout=30).raise_for_status()


def whole_path(database_url: str, folder: Path, count: int) -> dict[str, float]:
    """Post mixed calls while a worker delivers them."""
    voucherify = VoucherifyStandIn("app", "secret")
    with bridge(database_url, voucherify, folder) as (url, environment), worker(folder, environment):
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as senders:
            list(senders.map(lambda number: post(url, mixed(number)), range(count)))
        accepted = time.perf_counter() - began
        _until(lambda: len(voucherify.project.events) >= count // 3 and _is_empty(database_url))
        delivered = time.perf_counter() - began
    return {
        "accepted/s": count / accepted,
        "delivered/s": count / delivered,
        "Voucherify calls per call": len(voucherify.calls) / count,
    }


def identifies(database_url: str, folder: Path, count: int, *, trickle: bool) -> float:
    """Voucherify's calls per 1,000 identifies of as many customers."""
    voucherify = VoucherifyStandIn("app", "secret")
    with bridge(database_url, voucherify, folder) as (url, environment), ExitStack() as stack:
        if trickle:
            stack.enter_context(worker(folder, environment))
        for number in range(count):
            post(url, identify(number))
            if trickle:
                time.sleep(1 / TRICKLE)
        if not trickle:
            stack.enter_context(worker(folder, environment))
        _until(lambda: len(voucherify.project.customers) >= min(count, CUSTOMERS) and _is_empty(database_url))
    return len(voucherify.calls) * 1_000 / count


def _is_empty(database_url: str) -> bool:
    database = Database(database_url)
    try:
        with database.reading() as connection:
            statement = text("SELECT count(*) FROM deliveries WHERE status IN ('waiting', 'queued')")
            return bool(connection.execute(statement).scalar_one() == 0)
    finally:
        database.close()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/segmentio/test-authentication", headers=HEADERS, timeout=5).ok
    except requests.RequestException:
        return False


def _until(stands: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not stands():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


@click.command(help=__doc__)
@click.option("--quick", is_flag=True)
def main(quick: bool) -> None:  # noqa: FBT001 - click's
    count = 600 if quick else 3_000
    burst = 200 if quick else 1_000
    table = Table(title="Segment's destination → Voucherify")
    for name in ("database", "accepted/s", "delivered/s", "API calls a call", "trickling", "piled up"):
        table.add_column(name, justify="left" if name == "database" else "right")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-benchmark-")))
        new = {"SQLite": databases.sqlite(folder), "PostgreSQL": stack.enter_context(databases.postgres(folder))}
        for name, make in new.items():
            path = whole_path(make(), folder, count)
            costs = [identifies(make(), folder, burst, trickle=trickle) for trickle in (True, False)]
            figures = itertools.chain(path.values(), costs)
            table.add_row(name, *(f"{figure:,.2f}" if figure < 10 else f"{figure:,.0f}" for figure in figures))
    table.caption = "trickling, piled up: Voucherify's calls per 1,000 identifies of 1,000 customers"
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
