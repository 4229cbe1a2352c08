"""What the bridge costs, against a bare Flask route and against what one would write without this project.

``python tests/benchmarks/webhooks.py`` (``--quick`` for a short look). All variants run in turn, several times, under
the same gunicorn settings, the same load and the same loopback Segment; what is printed are medians, and the ratios
are medians of the ratios within a round, so that a machine's other work hits all alike.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

import click

# A script finds the modules beside it, and these are named as everywhere else in the tests.
sys.path[0] = str(Path(__file__).parents[2])
from tests.benchmarks import databases, drain, processes  # noqa: E402 - see above
from tests.benchmarks.report import Round, show  # noqa: E402 - see above

BRIDGE = "bridge.web:create_app()"
BACKLOGS = (10_000, 50_000)
PARTS = ("a", "b", "sqlite", "postgres", "drain", "start")


@dataclass(frozen=True, slots=True)
class Variant:
    """An application under load."""

    title: str
    app: str
    database: databases.NewDatabase


def variants(only: Sequence[str], new: Mapping[str, databases.NewDatabase]) -> list[Variant]:
    """Those that were asked for, in the order in which they take turns."""
    return [
        Variant(title, app, new.get(part, new["sqlite"]))
        for part, title, app in (
            ("a", "(a) only reads the body", "tests.benchmarks.only_reads:app"),
            ("b", "(b) without the bridge", "tests.benchmarks.without_the_bridge:app"),
            ("sqlite", "(c) the bridge, SQLite", BRIDGE),
            ("postgres", "(c) the bridge, PostgreSQL", BRIDGE),
        )
        if part in only
    ]


def measure(variant: Variant, seconds: float, folder: Path, first: int) -> Round:
    """One round of one variant."""
    with processes.segment(folder) as segment:
        environment = processes.bridge_environment(segment, variant.database())
        serving = (
            processes.bridge(folder, environment)
            if variant.app == BRIDGE
            else processes.gunicorn(variant.app, folder, environment)
        )
        with serving as (pid, port):
            processes.until_it_accepts(port)
            with processes.PeakMemory(pid, children_only=True) as memory:
                command = [sys.executable, "-m", "tests.benchmarks.load", port, segment, seconds, first]
                told = subprocess.run(
                    [str(part) for part in command], check=True, capture_output=True, cwd=processes.ROOT
                ).stdout
    return Round(**json.loads(told), peak_memory=memory.peak)


def start(database_url: str, folder: Path) -> float:
    """Seconds from launching gunicorn to the first accepted webhook."""
    with processes.segment(folder) as segment:
        environment = processes.bridge_environment(segment, database_url)
        began = time.perf_counter()
        with processes.gunicorn(BRIDGE, folder, environment) as (_, port):
            processes.until_it_accepts(port)
            return time.perf_counter() - began


def starts(new: databases.NewDatabase, folder: Path, times: int) -> dict[str, float]:
    """On a new database, which is migrated first, and on one that was used before."""
    used = new()
    start(used, folder)
    return {
        "new database": median(start(new(), folder) for _ in range(times)),
        "database in use": median(start(used, folder) for _ in range(times)),
    }


def drains(new: databases.NewDatabase, folder: Path, backlogs: Sequence[int]) -> list[drain.Drained]:
    """One worker process, on backlogs of several sizes."""
    drained = []
    for backlog in backlogs:
        url = new()
        drain.fill(url, 1, backlog)
        drained.append(drain.drain(url, backlog, folder))
    return drained


def _parts(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in value.split(","))
    if unknown := set(parts) - set(PARTS):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: not of {', '.join(PARTS)}")
    return parts


@click.command(help=__doc__)
@click.option("--seconds", type=float, default=6.0, show_default=True, help="How long each variant runs in a round.")
@click.option("--rounds", type=int, default=3, show_default=True)
@click.option("--quick", is_flag=True, help="One round of 3 seconds, small backlogs.")
@click.option("--only", callback=_parts, default=",".join(PARTS), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def main(seconds: float, rounds: int, quick: bool, only: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 - click's
    seconds, rounds = (3.0, 1) if quick else (seconds, rounds)
    backlogs = (1_000, 5_000) if quick else BACKLOGS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-benchmark-")))
        new = {"sqlite": databases.sqlite(folder)}
        if "postgres" in only:
            new["postgres"] = stack.enter_context(databases.postgres(folder))
        numbers = count(1, 1_000_000)
        loads: dict[str, list[Round]] = {}
        for _ in range(rounds):
            for variant in variants(only, new):
                loads.setdefault(variant.title, []).append(measure(variant, seconds, folder, next(numbers)))
        drained = {name: drains(one, folder, backlogs) for name, one in new.items()} if "drain" in only else {}
        started = {name: starts(one, folder, 1 if quick else 3) for name, one in new.items()} if "start" in only else {}
    show(loads, drained, started, as_json=as_json)


if __name__ == "__main__":
    main()
