"""What the bridge costs, against a bare Flask route and against what one would write without this project.

``python tests/benchmarks/webhooks.py`` (``--quick`` for a short look). The bridge runs as ``bridge serve`` runs it. All
variants run in turn, several times, with as many processes and threads, under the same load and with the same loopback
Segment. The figures are medians, and the ratios are medians of the ratios within a round, so that a machine's other
work hits all alike.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median

import click

# A script finds the modules beside it, and these are named as everywhere else in the tests.
sys.path[0] = str(Path(__file__).parents[2])
from tests.benchmarks import databases, drain, latency, load, processes, redemption  # noqa: E402 - see above
from tests.benchmarks.report import Report, Round  # noqa: E402 - see above

DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
BARE = {
    "a": ("(a) only reads the body", "tests.benchmarks.only_reads:app"),
    "b": ("(b) without the bridge", "tests.benchmarks.without_the_bridge:app"),
}
VARIANTS = (*BARE, *DATABASES)
PARTS = ("load", "latency", "drain", "start")

BACKLOGS = (10_000, 50_000)


@dataclass(frozen=True, slots=True)
class Variant:
    """What answers webhooks: an application, or the bridge with a database."""

    title: str
    app: str = ""
    database: databases.NewDatabase | None = None

    @contextmanager
    def serving(self, segment: int, folder: Path) -> Iterator[tuple[int, int]]:
        """Its process id and port, when it accepts webhooks."""
        environment = processes.bridge_environment(segment, self.database() if self.database else "")
        with (
            processes.bridge(folder, environment)
            if self.database
            else processes.gunicorn(self.app, folder, environment)
        ) as (pid, port):
            processes.until_it_accepts(port, redemption.http_request(int(time.time() * 1000)))
            yield pid, port


@dataclass(frozen=True, slots=True)
class Terms:
    """How long, and beside how many busy loops."""

    seconds: float
    warm_up_seconds: float
    rounds: int
    busy: int
    backlogs: Sequence[int]
    starts: int


QUICK = Terms(seconds=1.0, warm_up_seconds=0.5, rounds=1, busy=0, backlogs=(1_000,), starts=1)


def variants(names: Sequence[str], new: Mapping[str, databases.NewDatabase]) -> list[Variant]:
    """Those that were asked for."""
    bare = [Variant(*BARE[name]) for name in BARE if name in names]
    return bare + [Variant(f"(c) the bridge, {DATABASES[name]}", database=one) for name, one in new.items()]


def loads(wanted: Sequence[Variant], terms: Terms, folder: Path) -> dict[str, list[Round]]:
    """By title, a round each time; every other round in the opposite order."""
    numbers, rounds = count(1, 1_000_000), {one.title: list[Round]() for one in wanted}
    for number in range(terms.rounds):
        for variant in reversed(wanted) if number % 2 else wanted:
            rounds[variant.title].append(_round(variant, terms, next(numbers), folder))
    return rounds


def _round(variant: Variant, terms: Terms, first: int, folder: Path) -> Round:
    most = terms.seconds + terms.warm_up_seconds + 60.0
    with (
        processes.segment(folder) as segment,
        variant.serving(segment, folder) as (pid, port),
        processes.busy(terms.busy, most, folder),
        processes.PeakMemory(pid, children_only=True) as memory,
    ):
        measured = processes.apart(load.measure, port, segment, terms.seconds, terms.warm_up_seconds, first)
    return Round(**asdict(measured), peak_memory=memory.peak)


def latencies(variant: Variant, terms: Terms, folder: Path) -> latency.Latency:
    """At half of the load that it can take."""
    with processes.segment(folder) as segment, variant.serving(segment, folder) as (_, port):
        full = processes.apart(load.measure, port, segment, terms.seconds, terms.warm_up_seconds, 1)
        load.until_delivered(segment, full.accepted)
        half = full.requests_per_second / 2
        return processes.apart(latency.measure, port, segment, half, terms.seconds, 1_000_000)


def starts(new: databases.NewDatabase, terms: Terms, folder: Path) -> dict[str, float]:
    """On a new database, which is migrated first, and on one that was used before."""
    used = new()
    _start(lambda: used, folder)
    return {
        "new database": median(_start(new, folder) for _ in range(terms.starts)),
        "database in use": median(_start(lambda: used, folder) for _ in range(terms.starts)),
    }


def _start(database: databases.NewDatabase, folder: Path) -> float:
    """Seconds from the command to the first accepted webhook."""
    with processes.segment(folder) as segment:
        began = time.perf_counter()
        with Variant("", database=database).serving(segment, folder):
            return time.perf_counter() - began


def drains(new: databases.NewDatabase, terms: Terms, folder: Path) -> list[drain.Drained]:
    """One worker process, on backlogs of each kind and several sizes."""
    return [drain.measure(new(), kind, size, folder) for kind in drain.KINDS for size in terms.backlogs]


def _some_of(choices: Sequence[str]) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    def chosen(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in value.split(","))
        if unknown := set(names) - set(choices):
            raise click.BadParameter(f"{', '.join(sorted(unknown))}: not of {', '.join(choices)}")
        return names

    return chosen


@click.command(help=__doc__)
@click.option("--seconds", type=float, default=6.0, show_default=True, help="How long each variant runs in a round.")
@click.option("--rounds", type=int, default=8, show_default=True)
@click.option("--busy", type=int, default=0, show_default=True, metavar="N", help="N busy loops beside each round.")
@click.option("--quick", is_flag=True, help="One round of a second, small backlogs.")
@click.option("--only", callback=_some_of(PARTS), default=",".join(PARTS), show_default=True, help="What is measured.")
@click.option(
    "--variants", "names", callback=_some_of(VARIANTS), default=",".join(VARIANTS), show_default=True, help="Of what."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def main(  # noqa: PLR0913, PLR0917 - click's
    seconds: float,
    rounds: int,
    busy: int,
    quick: bool,  # noqa: FBT001 - click's
    only: tuple[str, ...],
    names: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - click's
) -> None:
    terms = (
        replace(QUICK, busy=busy) if quick else Terms(seconds, load.WARM_UP_SECONDS, rounds, busy, BACKLOGS, starts=3)
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-benchmark-")))
        new: dict[str, databases.NewDatabase] = {}
        if "sqlite" in names:
            new["sqlite"] = databases.sqlite(folder)
        if "postgres" in names:
            new["postgres"] = stack.enter_context(databases.postgres(folder))
        bridges = {DATABASES[name]: one for name, one in new.items()}
        report = Report(
            loads=loads(variants(names, new), terms, folder) if "load" in only else {},
            latencies={
                name: latencies(Variant(name, database=one), terms, folder)
                for name, one in bridges.items()
                if "latency" in only
            },
            drains={name: drains(one, terms, folder) for name, one in bridges.items() if "drain" in only},
            starts={name: starts(one, terms, folder) for name, one in bridges.items() if "start" in only},
            busy=terms.busy,
        )
    report.show(as_json=as_json)


if __name__ == "__main__":
    main()
