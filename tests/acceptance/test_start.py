"""Without its secrets the bridge does not start, and says what it lacks."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.process import Process
from tests.acceptance.server import WRITE_KEY, Server
from tests.webhooks import SECRET


def launched_and_ended(directory: Path, environment: dict[str, str]) -> Server:
    # With two, gunicorn may hear of the second's end while it deals with the first's, and log a stack trace of its own.
    server = Server(directory / "server", environment, ("--workers", "1"))
    server.launch()
    try:
        server.wait()
    finally:
        server.close()
    return server


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        pytest.param({}, ["SEGMENT_WRITE_KEY", "VOUCHERIFY_WEBHOOK_SECRET"], id="neither secret"),
        pytest.param({"SEGMENT_WRITE_KEY": WRITE_KEY}, ["VOUCHERIFY_WEBHOOK_SECRET"], id="no webhook secret"),
        pytest.param(
            {"VOUCHERIFY_WEBHOOK_SECRET": SECRET, "SEGMENT_REGION": "mars", "BRIDGE_WORKER": "both"},
            ["SEGMENT_WRITE_KEY", "SEGMENT_REGION", "BRIDGE_WORKER"],
            id="several mistakes at once",
        ),
    ],
)
def test_gunicorn_ends_and_names_every_variable_that_is_wrong(
    environment: dict[str, str], named: list[str], tmp_path: Path
) -> None:
    server = launched_and_ended(tmp_path, environment)

    assert server.wait() != 0
    assert [name for name in named if name not in server.log] == []
    assert server.log.count("Booting worker") <= 2, "it tried again and again"
    assert SECRET not in server.log
    assert WRITE_KEY not in server.log
    assert not list(tmp_path.glob("**/bridge.db"))


def test_what_it_says_is_for_an_operator_and_no_stack_trace(tmp_path: Path) -> None:
    server = launched_and_ended(tmp_path, {})

    server.assert_discreet()


SECRETS = {"SEGMENT_WRITE_KEY": WRITE_KEY, "VOUCHERIFY_WEBHOOK_SECRET": SECRET}


def command(name: str) -> Callable[[Path, dict[str, str]], Process]:
    def make(directory: Path, environment: dict[str, str]) -> Process:
        return Process(directory, environment, [sys.executable, "-m", "bridge.cli", name])

    return make


@pytest.mark.parametrize("make", [Server, command("serve"), command("worker")], ids=["gunicorn", "serve", "worker"])
def test_a_path_that_cannot_be_the_database_is_one_clear_line(
    make: Callable[[Path, dict[str, str]], Process], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/missing/data/bridge.db"
    process = make(tmp_path / "process", {**SECRETS, "BRIDGE_DATABASE_URL": url})
    process.launch()
    try:
        assert process.wait() == 3
    finally:
        process.close()
    lines = [line for line in process.log.splitlines() if "BRIDGE_DATABASE_URL" in line]
    assert f"the folder {tmp_path}/missing does not exist" in lines[0]
    assert len(set(lines)) == 1
    assert "ready" not in process.log
    process.assert_discreet()
