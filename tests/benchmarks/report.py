"""What was measured, as tables or as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.drain import Drained

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Round:
    """One variant, once, under load; times in seconds, memory in bytes (of all gunicorn workers)."""

    seconds: float
    answered: int
    refused: int
    requests_per_second: float
    p50: float
    p99: float
    delivered_per_second: float
    peak_memory: int


Loads = Mapping[str, Sequence[Round]]
Drains = Mapping[str, Sequence[Drained]]
Starts = Mapping[str, Mapping[str, float]]


def show(loads: Loads, drains: Drains, starts: Starts, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print(json.dumps(_values(loads, drains, starts), indent=2))  # noqa: T201
        return
    # Wide enough for the table even where a terminal does not say how wide it is.
    console = Console(width=120)
    for table in (_loads(loads), _drains(drains), _starts(starts)):
        if table.rows:
            console.print(table)


def ratio_of_b(loads: Loads, title: str, field: str) -> float | None:
    """The median of a variant's ratios against (b), each within its round."""
    base = next((rounds for name, rounds in loads.items() if name.startswith("(b)")), None)
    if base is None:
        return None
    return float(
        median(getattr(mine, field) / getattr(its, field) for mine, its in zip(loads[title], base, strict=True))
    )


def _loads(loads: Loads) -> Table:
    table = Table(title="Under load")
    table.add_column("", no_wrap=True)
    for name in (
        "req./s", "of (b)", "p50 ms", "p99 ms", "of (b)", "peak MB", "deliv./s", "refused", "answered"
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for title, rounds in loads.items():
        table.add_row(
            title,
            f"{_median(rounds, 'requests_per_second'):,.0f}",
            _ratio(ratio_of_b(loads, title, "requests_per_second")),
            f"{_median(rounds, 'p50') * 1000:,.1f}",
            f"{_median(rounds, 'p99') * 1000:,.1f}",
            _ratio(ratio_of_b(loads, title, "p99")),
            f"{_median(rounds, 'peak_memory') / MEGABYTE:,.0f}",
            f"{_median(rounds, 'delivered_per_second'):,.0f}",
            f"{sum(one.refused for one in rounds):,}",
            f"{sum(one.answered for one in rounds):,}",
        )
    return table


def _drains(drains: Drains) -> Table:
    table = Table("database", "backlog", "events/s", "peak MB", title="One worker process empties a backlog")
    for name, drained in drains.items():
        for one in drained:
            memory = f"{one.peak_memory / MEGABYTE:,.0f}"
            table.add_row(name, f"{one.backlog:,}", f"{one.events_per_second:,.0f}", memory)
    return table


def _starts(starts: Starts) -> Table:
    table = Table("database", "", "seconds", title="From launching gunicorn to the first accepted webhook")
    for name, cases in starts.items():
        for case, seconds in cases.items():
            table.add_row(name, case, f"{seconds:.2f}")
    return table


def _values(loads: Loads, drains: Drains, starts: Starts) -> dict[str, Any]:
    fields = Round.__dataclass_fields__
    return {
        "load": {
            title: {
                **{field: _median(rounds, field) for field in fields},
                "throughput_of_b": ratio_of_b(loads, title, "requests_per_second"),
                "p99_of_b": ratio_of_b(loads, title, "p99"),
                "rounds": [asdict(one) for one in rounds],
            }
            for title, rounds in loads.items()
        },
        "drain": {name: [asdict(one) for one in drained] for name, drained in drains.items()},
        "start": starts,
    }


def _median(rounds: Sequence[Round], field: str) -> float:
    return float(median(getattr(one, field) for one in rounds))


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
