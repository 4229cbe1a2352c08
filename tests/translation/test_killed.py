"""Every answered message has one outcome, once, at whatever point a kill comes."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, events, messages, pending, rounds
from bridge.messages import CALLS, RAW_EVENTS, WEBHOOKS
from bridge.translation.stepping import POISONED
from tests.delivery.arrivals import count, rows
from tests.delivery.pending import became

PROGRAM = Path(__file__).with_name("killed.py")
EVENTS = {WEBHOOKS: 3, CALLS: 4, RAW_EVENTS: 4}
"""By queue: events of one sender."""

FEWEST_POINTS = 10
"""Two points of each transaction, one or two of each call."""


def run(folder: Path, url: str, *what: str) -> list[str]:
    """Run processes that are killed; return the payloads that the service accepted."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *what, url, str(folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "taken").read_text().split("\n")[:-1]


def answered(folder: Path) -> list[str]:
    return [one for path in sorted(folder.glob("answered-*")) for one in path.read_text().split()]


@pytest.mark.parametrize("claimed", ["born", "claimed"])
@pytest.mark.parametrize("queue", [WEBHOOKS, CALLS, RAW_EVENTS])
def test_a_process_that_is_killed_anywhere_loses_and_doubles_nothing(
    database: Database, database_url: str, tmp_path: Path, queue: str, claimed: str
) -> None:
    database.close()
    taken = run(tmp_path, database_url, queue, claimed, "points")
    senders = len(list(tmp_path.glob("answered-*")))
    assert senders > FEWEST_POINTS
    assert count(database, pending) == count(database, rounds) == 0
    # Each answered message has its outcome, and every event of every sender is delivered.
    outcomes = became(database, *answered(tmp_path))
    per_message = 2 if queue == RAW_EVENTS else 1
    assert {len(found) for found in outcomes} == {per_message}
    assert {kept.status for found in outcomes for kept in found} <= {"accepted", "duplicate"}
    assert len(answered(tmp_path)) == senders * EVENTS[queue] // per_message
    made = rows(database, deliveries)
    assert Counter(row["status"] for row in made) == {"delivered": senders * EVENTS[queue]}
    assert count(database, events) == senders * EVENTS[queue]
    # Segment counts a repeat once; a service without this is called once.
    calls = Counter(taken)
    assert set(calls) == {row["key"] for row in made}
    if queue != WEBHOOKS:
        assert set(calls.values()) == {1}
        first_calls = {key: place for place, key in reversed(list(enumerate(taken)))}
        lanes: dict[str, list[int]] = {}
        for row in made:
            lanes.setdefault(row["lane"], []).append(first_calls[row["key"]])
        assert all(places == sorted(places) for places in lanes.values())


@pytest.mark.parametrize("queue", [WEBHOOKS, CALLS, RAW_EVENTS])
def test_an_event_that_ends_processes_is_quarantined_and_no_other(
    database: Database, database_url: str, tmp_path: Path, queue: str
) -> None:
    database.close()
    run(tmp_path, database_url, queue, "born", "poison")
    deaths = (tmp_path / "deaths").read_text().split()
    assert len(deaths) == 4  # among others, twice alone, and in the trial
    assert count(database, pending) == count(database, rounds) == 0
    statuses = Counter((row["status"], row["reason"]) for row in rows(database, events))
    good = EVENTS[queue] + (2 if queue == RAW_EVENTS else 0)
    assert statuses == {("accepted", ""): good, ("quarantined", POISONED): 1}
    assert Counter(row["status"] for row in rows(database, deliveries)) == {"delivered": good}
    [quarantined] = [row["id"] for row in rows(database, events) if row["status"] == "quarantined"]
    assert quarantined[:26] in {row["id"] for row in rows(database, messages)}
    assert len(quarantined) == (30 if queue == RAW_EVENTS else 26)
