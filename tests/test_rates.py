"""Rates of senders, counted by all processes of a host."""

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

import pytest

from bridge.host.rates import Rates, network
from bridge.write_keys import parse

KEY = parse("key:3/h")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "digest.rates"


def test_counts_events_until_the_rate_is_reached(path: Path) -> None:
    rates = Rates(path)
    assert [rates.excess_seconds(KEY, "192.0.2.1", 1) for _ in range(3)] == [0.0] * 3
    assert 0 < rates.excess_seconds(KEY, "192.0.2.1", 1) <= 3600
    assert rates.excess_seconds(KEY, "192.0.2.2", 1) == 0.0
    assert rates.excess_seconds(parse("other:3/h"), "192.0.2.1", 1) == 0.0


def test_a_batch_may_exceed_the_rest_of_a_window_and_no_more(path: Path) -> None:
    rates = Rates(path)
    assert rates.excess_seconds(KEY, "192.0.2.1", 1_000) == 0.0
    assert rates.excess_seconds(KEY, "192.0.2.1", 1) > 0


def test_a_window_ends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates, now = Rates(path), 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    assert rates.excess_seconds(KEY, "192.0.2.1", 3) == 0.0
    now += 3599.0
    assert rates.excess_seconds(KEY, "192.0.2.1", 1) == pytest.approx(1.0)
    now += 1.0
    assert rates.excess_seconds(KEY, "192.0.2.1", 1) == 0.0


def test_processes_and_threads_count_together(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from bridge.host import Rates; from bridge.write_keys import parse;"
        "print(Rates(Path(sys.argv[1])).excess_seconds(parse('key:3/h'), '192.0.2.1', 1))"
    )
    for _ in range(2):
        assert run([sys.executable, "-c", program, str(path)], capture_output=True, check=True).stdout == b"0.0\n"
    rates = Rates(path)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: rates.excess_seconds(KEY, "192.0.2.1", 1), range(40)))
    assert waits.count(0.0) == 1


def test_a_key_without_a_rate_needs_no_file(path: Path) -> None:
    assert Rates(path).excess_seconds(parse("key"), "192.0.2.1", 1_000_000) == 0.0
    assert not path.exists()


def test_the_file_is_private_and_holds_no_key(path: Path) -> None:
    Rates(path).excess_seconds(KEY, "192.0.2.1", 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"key" not in path.read_bytes().replace(b"PRIMARY KEY", b"")


@pytest.mark.parametrize("content", [None, b"this is no database" * 100])
def test_a_file_that_cannot_be_used_stops_nobody(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "missing" / "digest.rates"
    if content:
        path.parent.mkdir()
        path.write_bytes(content)
    assert [Rates(path).excess_seconds(KEY, "192.0.2.1", 9) for _ in range(2)] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_a_customers_ipv6_addresses_are_one(address: str, expected: str) -> None:
    assert network(address) == expected
