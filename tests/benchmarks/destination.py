"""The other direction: calls a second from Segment's destination to Voucherify, and what a burst of identifies costs.

``python tests/benchmarks/destination.py`` (``--quick`` for a short look). The bridge runs as ``bridge serve`` runs it,
beside a bare Flask route that validates each call by the same schema and keeps it in memory. Each call has a
connection of its own, as Segment makes them. A stand-in for Voucherify on this machine answers at once: what is
measured is the bridge's own part, not Voucherify's. The ratios are medians of the ratios within a round.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import requests
from rich.console import Console
from sqlalchemy import text

# A script finds the modules beside it, and these are named as everywhere else in the tests.
sys.path[0] = str(Path(__file__).parents[2])
from bridge.delivery.database.engine import Database  # noqa: E402 - see above
from bridge.demo.calls import credentials  # noqa: E402 - see above
from bridge.demo.serving import Served  # noqa: E402 - see above
from bridge.demo.voucherify import VoucherifyStandIn  # noqa: E402 - see above
from tests.benchmarks import databases, load, processes  # noqa: E402 - see above
from tests.benchmarks.report import ratio, table  # noqa: E402 - see above

HEADERS = {**credentials("app", "secret"), "Connection": "close"}
CUSTOMERS = 1_000
SENDERS = 16
TRICKLE = 50.0
"""Identifies a second when they trickle."""

BARE = "keeps calls in memory"
PATIENCE_SECONDS = 300.0

_WAITING = text(
    "SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM rounds)"
    " + (SELECT count(*) FROM deliveries WHERE status IN ('waiting', 'queued', 'sending'))"
)

Call = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Round:
    """One variant, once; ``p99`` in seconds."""

    accepted_per_second: float
    p99: float
    delivered_per_second: float = 0.0
    api_calls_per_call: float = 0.0


@dataclass(frozen=True, slots=True)
class Variant:
    """What answers calls: the bridge with a database, as it is or as it is in another checkout; or the bare route."""

    title: str
    database: databases.NewDatabase | None = None
    checkout: str = ""

    @contextmanager
    def serving(self, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
        """Its process id and port; it may not listen yet."""
        with ExitStack() as stack:
            if self.checkout:
                there = {**environment, "PYTHONPATH": self.checkout}
                stack.enter_context(processes.worker(folder, there))
                yield stack.enter_context(processes.gunicorn("bridge.web:create_app()", folder, there))
            elif self.database:
                yield stack.enter_context(processes.bridge(folder, environment))
            else:
                app = "tests.benchmarks.destination_in_memory:app"
                yield stack.enter_context(processes.gunicorn(app, folder, environment))


def identify(number: int) -> Call:
    traits = {"name": f"Customer {number}", "metadata": {"visits": str(number)}, "address": {}}
    return "customer-processing", {"source_id": f"customer-{number % CUSTOMERS}", "type": "identify", **traits}


def mixed(number: int) -> Call:
    """An identify, a custom event and a group in turn, customer by customer."""
    who = {"source_id": f"customer-{number // 3 % CUSTOMERS}"}
    event = {"customer": who, "event": f"Event {number}", "referral": {}, "loyalty": {}, "type": "track"}
    group = {"customer": who, "group_id": "club", "traits": {"plan": "gold"}, "type": "group"}
    return (identify(number // 3), ("event-processing", event), ("group-processing", group))[number % 3]


def http_request(call: Call) -> bytes:
    path, body = call
    content = json.dumps(body).encode()
    headers = {**HEADERS, "Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(content)}
    lines = [f"POST /segmentio/{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + content


def post(port: int, seconds: float, warm_up_seconds: float) -> tuple[load.Run, int]:
    """Post mixed calls as fast as they are answered; the measured run, and how many were accepted in all."""
    calls = [http_request(mixed(number)) for number in range(int((seconds + warm_up_seconds) * load.MOST))]
    calls.reverse()  # the client begins at the end
    runs = [load.run(port, calls, each, connections=SENDERS, reconnect=True) for each in (warm_up_seconds, seconds)]
    if refused := sum(one.tally.refused + one.rest.refused for one in runs):
        raise RuntimeError(f"{refused} calls were refused")
    return runs[1], sum(one.accepted for one in runs)


@contextmanager
def stand_in(database_url: str) -> Iterator[tuple[VoucherifyStandIn, dict[str, str]]]:
    """A Voucherify, and the environment of a bridge that calls it."""
    voucherify = VoucherifyStandIn("app", "secret")
    with Served(voucherify.app()) as api:
        yield (
            voucherify,
            {
                "VOUCHERIFY_APP_ID": "app",
                "VOUCHERIFY_SECRET_KEY": "secret",
                "VOUCHERIFY_API_URL": api.url,
                "BRIDGE_DATABASE_URL": database_url,
                "BRIDGE_WORKER": "external",
            },
        )


def measure(variant: Variant, seconds: float, warm_up_seconds: float, folder: Path) -> Round:
    """Post calls while they are delivered."""
    with (
        stand_in(variant.database() if variant.database else "") as (voucherify, environment),
        variant.serving(folder, environment) as (_, port),
    ):
        processes.until_it_accepts(port, http_request(identify(0)))
        began = time.perf_counter()
        run, accepted = processes.apart(post, port, seconds, warm_up_seconds)
        rate, p99 = run.requests_per_second, load.percentile(sorted(run.tally.seconds), 99)
        if variant.database is None:
            return Round(rate, p99)
        # Of three calls in turn the second is a custom event, and nothing merges those.
        until(lambda: len(voucherify.project.events) >= (accepted + 1) // 3)
        delivered_per_second = accepted / (time.perf_counter() - began)
        return Round(rate, p99, delivered_per_second, len(voucherify.calls) / accepted)


def identifies(database_url: str, folder: Path, count: int, *, trickle: bool) -> float:
    """Voucherify's calls per 1,000 identifies of as many customers."""
    with stand_in(database_url) as (voucherify, environment):
        web = processes.gunicorn("bridge.web.wsgi:app", folder, environment)
        with web as (_, port), ExitStack() as stack:
            processes.until_it_accepts(port, http_request(identify(0)))
            if trickle:
                stack.enter_context(processes.worker(folder, environment))
            for number in range(count):
                path, body = identify(number)
                url = f"http://127.0.0.1:{port}/segmentio/{path}"
                requests.post(url, json=body, headers=HEADERS, timeout=30).raise_for_status()
                if trickle:
                    time.sleep(1 / TRICKLE)
            if not trickle:
                stack.enter_context(processes.worker(folder, environment))
            until(lambda: len(voucherify.project.customers) >= min(count, CUSTOMERS) and _is_empty(database_url))
        return len(voucherify.calls) * 1_000 / count


def _is_empty(database_url: str) -> bool:
    database = Database(database_url)
    try:
        with database.reading() as connection:
            return bool(connection.execute(_WAITING).scalar_one() == 0)
    finally:
        database.close()


def until(stands: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not stands():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


def show(rounds: Mapping[str, Sequence[Round]], costs: Mapping[str, Sequence[float]]) -> None:
    console, base = Console(width=120), rounds[BARE]
    figures = ("accepted/s", "of memory", "p99 ms", "of memory", "delivered/s", "API calls a call")
    accepting = table("Segment's destination → Voucherify", [""], figures)
    for name, some in rounds.items():
        middle = [median(getattr(one, field) for one in some) for field in Round.__dataclass_fields__]
        ratios = [ratio(some, base, field) for field in ("accepted_per_second", "p99")]
        cells = [f"{middle[0]:,.0f}", f"{ratios[0]:.2f}", f"{middle[1] * 1000:,.1f}", f"{ratios[1]:.2f}"]
        accepting.add_row(name, *cells, *([f"{middle[2]:,.0f}", f"{middle[3]:.2f}"] if middle[2] else []))
    console.print(accepting)
    merging = table("Voucherify's calls per 1,000 identifies of 1,000 customers", [""], ["trickling", "piled up"])
    for name, some_costs in costs.items():
        merging.add_row(name, *(f"{cost:,.0f}" for cost in some_costs))
    console.print(merging)


@click.command(help=__doc__)
@click.option("--seconds", type=float, default=6.0, show_default=True, help="How long each variant runs in a round.")
@click.option("--rounds", type=int, default=4, show_default=True)
@click.option("--quick", is_flag=True, help="One round of a second, a small burst.")
@click.option("--sqlite", "only_sqlite", is_flag=True, help="Without PostgreSQL.")
@click.option(
    "--beside",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A checkout of another version: it is measured, too, with the same client.",
)
def main(
    seconds: float,
    rounds: int,
    quick: bool,  # noqa: FBT001 - click's
    only_sqlite: bool,  # noqa: FBT001 - click's
    beside: Path | None,
) -> None:
    seconds, warm_up_seconds, rounds, burst = (1.0, 0.5, 1, 100) if quick else (seconds, 2.0, rounds, 1_000)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-benchmark-")))
        new = {"the bridge, SQLite": databases.sqlite(folder)}
        if not only_sqlite:
            new["the bridge, PostgreSQL"] = stack.enter_context(databases.postgres(folder))
        variants = [Variant(BARE), *(Variant(name, one) for name, one in new.items())]
        if beside:
            variants.append(Variant("the other bridge, SQLite", databases.sqlite(folder), str(beside.absolute())))
        measured: dict[str, list[Round]] = {one.title: [] for one in variants}
        for number in range(rounds):
            for variant in reversed(variants) if number % 2 else variants:
                measured[variant.title].append(measure(variant, seconds, warm_up_seconds, folder))
        costs = {
            name: [identifies(make(), folder, burst, trickle=trickle) for trickle in (True, False)]
            for name, make in new.items()
        }
    show(measured, costs)


if __name__ == "__main__":
    main()
