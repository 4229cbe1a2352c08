"""What was measured, as tables or as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.drain import Drained
from tests.benchmarks.latency import Latency
from tests.benchmarks.load import Load

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Round(Load):
    """One variant, once, under load; ``peak_memory`` in bytes, of all processes that its first one has started."""

    peak_memory: int


@dataclass(frozen=True, slots=True)
class Report:
    """By variant, or by database."""

    loads: Mapping[str, Sequence[Round]]
    latencies: Mapping[str, Latency]
    drains: Mapping[str, Sequence[Drained]]
    starts: Mapping[str, Mapping[str, float]]
    busy: int = 0

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            print(json.dumps(self._values(), indent=2))  # noqa: T201 - a report is printed
            return
        # Wide enough for the table even where a terminal does not say how wide it is.
        console = Console(width=130)
        for one in self._tables():
            if one.rows:
                console.print(one)

    def _tables(self) -> Iterator[Table]:
        beside = f", beside {self.busy} busy loops" if self.busy else ""
        figures = ("req./s", "of (b)", "p50 ms", "p99 ms", "of (b)", "deliv./s", "1 s later", "peak MB", "refused")
        loads = table(f"Under load{beside}", [""], figures)
        for title, rounds in self.loads.items():
            loads.add_row(
                title,
                f"{_median(rounds, 'requests_per_second'):,.0f}",
                _ratio(self._of_b(title, "requests_per_second")),
                _milliseconds(_median(rounds, "p50")),
                _milliseconds(_median(rounds, "p99")),
                _ratio(self._of_b(title, "p99")),
                f"{_median(rounds, 'delivered_per_second'):,.0f}",
                f"{_median(rounds, 'delivered_share'):.1%}",
                f"{_median(rounds, 'peak_memory') / MEGABYTE:,.0f}",
                f"{sum(one.refused for one in rounds):,}",
            )
        yield loads
        latencies = table(
            "From webhook to Segment, at half load", [""], ["req./s", "p50 ms", "p95 ms", "p99 ms", "missing"]
        )
        for name, one in self.latencies.items():
            times = map(_milliseconds, (one.p50, one.p95, one.p99))
            latencies.add_row(name, f"{one.requests_per_second:,.0f}", *times, f"{one.missing:,}")
        yield latencies
        drains = table("One worker process empties a backlog", ["", "webhooks"], ["backlog", "events/s", "peak MB"])
        for name, drained in self.drains.items():
            for each in drained:
                memory = f"{each.peak_memory / MEGABYTE:,.0f}"
                drains.add_row(name, each.kind, f"{each.backlog:,}", f"{each.events_per_second:,.0f}", memory)
        yield drains
        starts = table("From `bridge serve` to its first accepted webhook", ["", ""], ["seconds"])
        for name, cases in self.starts.items():
            for case, seconds in cases.items():
                starts.add_row(name, case, f"{seconds:.2f}")
        yield starts

    def _values(self) -> dict[str, Any]:
        return {
            "load": {
                title: {
                    **{field.name: _median(rounds, field.name) for field in fields(Round)},
                    "throughput_of_b": self._of_b(title, "requests_per_second"),
                    "p99_of_b": self._of_b(title, "p99"),
                    "rounds": [asdict(one) for one in rounds],
                }
                for title, rounds in self.loads.items()
            },
            "latency": {name: asdict(one) for name, one in self.latencies.items()},
            "drain": {name: [asdict(one) for one in drained] for name, drained in self.drains.items()},
            "start": self.starts,
            "busy": self.busy,
        }

    def _of_b(self, title: str, field: str) -> float | None:
        base = next((rounds for name, rounds in self.loads.items() if name.startswith("(b)")), None)
        return ratio(self.loads[title], base, field) if base else None


def ratio(rounds: Sequence[Any], base: Sequence[Any], field: str) -> float:
    """The median of the ratios of ``field``, each within its round."""
    return float(median(getattr(mine, field) / getattr(its, field) for mine, its in zip(rounds, base, strict=True)))


def table(title: str, names: Sequence[str], figures: Sequence[str]) -> Table:
    """An empty table; ``figures`` are the columns of numbers."""
    columns = Table(title=title)
    for name in names:
        columns.add_column(name, no_wrap=True)
    for name in figures:
        columns.add_column(name, justify="right")
    return columns


def _median(rounds: Sequence[Round], field: str) -> float:
    return float(median(getattr(one, field) for one in rounds))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
