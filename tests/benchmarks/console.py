"""What an operator waits for at a million events: the list under each filter, the overview, and whole pages of them.

``python tests/benchmarks/console.py`` (``--postgresql``, ``--events 1000``, ``--quick``) prints milliseconds: the
median of ten, and the slowest.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import click
from sqlalchemy import Connection, text
from ulid import ULID

# A script finds the modules beside it, and these are named as everywhere else in the tests.
sys.path[0] = str(Path(__file__).parents[2])
from bridge.delivery.database.engine import Database  # noqa: E402 - see above
from bridge.operations.history import Filter, entries  # noqa: E402 - see above
from bridge.operations.monitoring.measures import measures  # noqa: E402 - see above
from bridge.operations.monitoring.overview import PERIODS, overview  # noqa: E402 - see above
from tests.benchmarks import databases, million  # noqa: E402 - see above
from tests.web.console.conftest import TOKEN, Visitor, applications  # noqa: E402 - see above

PAGE, ROUNDS = 50, 10

Look = Callable[[Connection], object]


def looks(now: float) -> Iterator[tuple[str, Look]]:
    """All that is timed, by what it is called."""
    named = "Customer Redemption Succeeded"
    filters = {
        "all": Filter(),
        "page 10,000": Filter(before=str(ULID.from_timestamp(now - 3.5 * 86_400))),
        "direction": Filter(direction="to_voucherify"),
        "delivered": Filter(status="delivered"),
        "dead": Filter(status="dead"),
        "waiting": Filter(status="waiting"),
        "ignored": Filter(status="ignored"),
        "quarantined": Filter(status="quarantined"),
        "a status that nothing has": Filter(status="queued"),
        "event": Filter(event=named),
        "an event that there is not": Filter(event="Nothing"),
        "customer": Filter(customer="customer-4711"),
        "a customer that there is not": Filter(customer="nobody"),
        "one hour, three days ago": Filter(since=now - 3 * 86_400, until=now - 3 * 86_400 + 3600),
        "error": Filter(error="cause number 7"),
        "an error that there is not": Filter(error="never seen"),
        "event and dead": Filter(event=named, status="dead"),
        "event and delivered": Filter(event=named, status="delivered"),
        "customer and dead": Filter(customer="customer-4711", status="dead"),
        "direction, dead, error": Filter(direction="to_segment", status="dead", error="cause number 7"),
    }
    for name, wanted in filters.items():
        yield f"list: {name}", partial(entries, wanted=wanted, limit=PAGE)
    for period in PERIODS:
        yield f"overview: {period}", partial(overview, period=period, now=now)
    yield "metrics", partial(measures, now=now)


@contextmanager
def pages(url: str) -> Iterator[Mapping[str, Callable[[], object]]]:
    """Whole pages of the console, by what they are called: signed in, from the request to the HTML."""
    with applications(url) as make:
        visitor = Visitor(make(log_level="warning").test_client())
        assert visitor.sign_in().status_code == 302
        api, proof = "/console/api/events", {"Authorization": f"Bearer {TOKEN}"}
        [first, *_] = visitor.client.get(api, headers=proof).get_json()
        names = {
            "overview": "/?period=7d",
            "events": "/events",
            "dead events": "/events?status=dead",
            "event": f"/events/{first['id']}",
        }
        yield {f"page: {name}": partial(visitor.get, path) for name, path in names.items()}


@click.command(help=__doc__)
@click.option("--postgresql", is_flag=True, help="On PostgreSQL instead of SQLite.")
@click.option("--events", default=1_000_000, show_default=True, help="How many.")
@click.option("--quick", is_flag=True, help="With 2,000 events.")
def main(events: int, *, postgresql: bool, quick: bool) -> None:
    events = 2_000 if quick else events
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        new = stack.enter_context(databases.postgres(folder)) if postgresql else databases.sqlite(folder)
        url = new()
        database = stack.enter_context(closing(Database(url)))
        now = time.time()
        million.fill(database, events, now)
        click.echo(f"{events:,} events, made in {time.time() - now:.0f} s")
        with database.reading() as connection:
            if postgresql:
                connection.execute(text("VACUUM ANALYZE"))
            for name, look in looks(now):
                _show(name, partial(look, connection))
        for name, get in stack.enter_context(pages(url)).items():
            _show(name, get)


def _show(name: str, look: Callable[[], object]) -> None:
    times = [_time(look) for _ in range(ROUNDS)]
    click.echo(f"{name:36} {median(times):8.1f} ms {max(times):8.1f} ms")


def _time(look: Callable[[], object]) -> float:
    began = time.perf_counter()
    look()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
