"""Triggers and mappings: events a second on one core, beside the same work by Segment's own packages.

``python tests/benchmarks/mappings.py`` (``--quick`` for a short look). Segment's packages are not part of this
repository; to compare, install them somewhere and name the folder:

    npm install --prefix FOLDER @segment/actions-core@3.170.0 @segment/destination-subscriptions@3.37.0 liquidjs@10.27.2
    python tests/benchmarks/mappings.py --packages FOLDER
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.table import Table

# A script finds the modules beside it, and these are named as everywhere else in the tests.
sys.path[0] = str(Path(__file__).parents[2])
from bridge.to_voucherify.language.fql import compile_trigger  # noqa: E402 - see above
from bridge.to_voucherify.language.mapping import compile_mapping  # noqa: E402 - see above
from bridge.to_voucherify.raw_events.presets import ROWS  # noqa: E402 - see above

Source = Mapping[str, Any]
Event = dict[str, Any]

BY_NAME: Mapping[str, Source] = {row["name"]: row for row in ROWS}
IDENTIFY = BY_NAME["Create Or Update Customer"]

LEAST = 20_000
"""Events a second through the identify preset, on one core."""

MOST_GROWTH = 1.1
"""The cost of 50 mappings may be this many times 50 times the cost of one, for what the clock is worth."""

_CONTEXT = {
    "ip": "203.0.113.7",
    "library": {"name": "analytics.js", "version": "2.1.0"},
    "locale": "en-US",
    "page": {"path": "/cart", "title": "Cart", "url": "https://shop.example/cart"},
    "traits": {"email": "ada@example.com"},
    "userAgent": "Mozilla/5.0",
}
_COMMON = {
    "anonymousId": "a-1",
    "context": _CONTEXT,
    "messageId": "m-1",
    "timestamp": "2031-03-01T08:00:00.000Z",
    "userId": "user-1",
}
EVENTS: Mapping[str, Event] = {
    "identify": {
        **_COMMON,
        "type": "identify",
        "traits": {
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "phone": "+48 555 0100",
            "birthdate": "1990-12-10",
            "address": {"city": "Katowice", "country": "PL", "postal_code": "40-001", "street": "Mariacka 1"},
            "metadata": {"plan": "gold", "visits": 7},
        },
    },
    "track": {
        **_COMMON,
        "type": "track",
        "event": "Order Completed",
        "properties": {"total": 120.5, "referral": {"code": "R-1"}, "metadata": {"currency": "EUR"}},
    },
    "page": {**_COMMON, "type": "page", "name": "Pricing", "properties": {"path": "/pricing"}},
    "screen": {**_COMMON, "type": "screen", "name": "Start", "properties": {}},
    "group": {**_COMMON, "type": "group", "groupId": "g-1", "traits": {"plan": "gold", "seats": 5}},
}

# Each of 50 mappings takes every track event, and works: what they cost together is 50 times what one costs.
_WORK = {
    "customer": {"source_id": {"@path": "$.userId"}, "email": {"@path": "$.context.traits.email"}},
    "event": {"@template": "{{event}} {{properties.metadata.currency}}"},
    "metadata": {
        "@merge": {
            "direction": "right",
            "objects": [
                {"@flatten": {"value": {"@path": "$.properties"}, "separator": "_"}},
                {"messageId": {"@path": "$.messageId"}},
            ],
        }
    },
    "loyalty": {
        "code": {
            "@if": {
                "exists": {"@path": "$.properties.card"},
                "then": {"@replace": {"value": {"@path": "$.properties.card"}, "pattern": "-", "replacement": ""}},
                "else": {"@case": {"operator": "upper", "value": {"@path": "$.properties.referral.code"}}},
            }
        }
    },
    "type": {"@path": "$.type"},
}


def working(count: int) -> list[Source]:
    return [{"subscribe": f'type = "track" and event != "Event {number}"', "mapping": _WORK} for number in range(count)]


CASES: Mapping[str, tuple[Sequence[Source], Sequence[Event]]] = {
    "identify preset": ([IDENTIFY], [EVENTS["identify"]]),
    "five presets, each kind of call": (ROWS, list(EVENTS.values())),
    "1 mapping that takes all": (working(1), [EVENTS["track"]]),
    "50 mappings that take all": (working(50), [EVENTS["track"]]),
    "50 mappings, one takes": (
        [{"subscribe": f'event = "Event {number}"', "mapping": _WORK} for number in range(49)] + working(1),
        [EVENTS["track"]],
    ),
}


def rate(sources: Sequence[Source], events: Sequence[Event], seconds: float) -> float:
    """Events a second of processor time, each through every trigger and the mappings whose trigger matches."""
    compiled = [(compile_trigger(row["subscribe"]).matches, compile_mapping(row["mapping"])) for row in sources]
    count, began = 0, time.process_time()
    while (passed := time.process_time() - began) < seconds:
        for _ in range(20):
            for event in events:
                for matches, make in compiled:
                    if matches(event):
                        make(event)
        count += 20 * len(events)
    return count / passed


def rates_at_segment(packages: str, seconds: float) -> Mapping[str, float]:
    """By case; none where there is no Node, or the packages are not in the folder."""
    node, folder = shutil.which("node"), Path(packages).absolute()
    if node is None or not packages or not (folder / "node_modules" / "@segment" / "actions-core").is_dir():
        return {}
    work = {
        "packages": str(folder),
        "seconds": seconds,
        "cases": {
            name: {
                "mappings": [{key: row[key] for key in ("subscribe", "mapping")} for row in sources],
                "events": events,
            }
            for name, (sources, events) in CASES.items()
        },
    }
    command = [node, str(Path(__file__).with_name("segment_mappings.js"))]
    done = subprocess.run(command, input=json.dumps(work), capture_output=True, text=True, check=True)
    rates: Mapping[str, float] = json.loads(done.stdout)
    return rates


@click.command(help=__doc__)
@click.option(
    "--packages", envvar="BRIDGE_SEGMENT_PACKAGES", default="", help="Where Segment's packages are installed."
)
@click.option("--quick", is_flag=True)
def main(packages: str, quick: bool) -> None:  # noqa: FBT001 - click's
    seconds = 0.3 if quick else 2.0
    # In turn, so that a machine's other work hits all alike.
    rounds = [{name: rate(*case, seconds) for name, case in CASES.items()} for _ in range(3)]
    ours = {name: max(one[name] for one in rounds) for name in CASES}
    theirs = rates_at_segment(packages, seconds)
    table = Table("", title="Trigger and mapping, events/s on one core")
    for name in ("bridge", "Segment in Node", "of it"):
        table.add_column(name, justify="right")
    for name, found in ours.items():
        beside = theirs.get(name)
        table.add_row(name, f"{found:,.0f}", *((f"{beside:,.0f}", f"{found / beside:.2f}") if beside else ("", "")))
    console = Console(width=100)
    console.print(table)
    if not theirs:
        console.print("No comparison: no Node, or no Segment packages where --packages says. See --help.")
    growth = median(one["1 mapping that takes all"] / one["50 mappings that take all"] / 50 for one in rounds)
    identify = ours["identify preset"]
    console.print(f"identify preset: {identify:,.0f} events/s, at least {LEAST:,}: {_verdict(holds=identify >= LEAST)}")
    console.print(
        f"50 mappings cost {growth:.2f} of 50 times one, at most {MOST_GROWTH}: {_verdict(holds=growth <= MOST_GROWTH)}"
    )


def _verdict(*, holds: bool) -> str:
    return "yes" if holds else "NO"


if __name__ == "__main__":
    main()
