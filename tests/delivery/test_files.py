"""SQLite's files: their modes, and permissions that prevent their use."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.delivery.database.engine import Database
from bridge.errors import ConfigError
from tests.delivery.arrivals import keep, received

Open = Callable[[str], Database]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_the_database_and_its_companions_are_for_their_owner_alone(tmp_path: Path, open_database: Open) -> None:
    database = open_database(f"sqlite:///{tmp_path}/data/bridge.db")
    database.prepare()
    keep(database, received())
    modes = {path.name: mode(path) for path in (tmp_path / "data").iterdir()}
    assert modes == dict.fromkeys(
        ["bridge.db", "bridge.db-wal", "bridge.db-shm", "bridge.db-turn", "bridge.db-turn-next"], 0o600
    )
    assert mode(tmp_path / "data") == 0o700


def test_the_mode_that_an_operator_sets_does_not_change(tmp_path: Path, open_database: Open) -> None:
    (tmp_path / "bridge.db").touch()
    (tmp_path / "bridge.db").chmod(0o640)
    database = open_database(f"sqlite:///{tmp_path}/bridge.db")
    database.prepare()
    database.migrate()
    assert mode(tmp_path / "bridge.db") == 0o640


def refused(path: Path) -> str:
    database = Database(f"sqlite:///{path}")
    with pytest.raises(ConfigError) as raised:
        database.prepare()
    [(name, reason)] = raised.value.problems.items()
    assert name == "BRIDGE_DATABASE_URL"
    assert "\n" not in reason
    return reason


def test_a_folder_is_not_created_in_a_folder_that_is_missing(tmp_path: Path) -> None:
    assert f"{tmp_path}/no does not exist" in refused(tmp_path / "no" / "data" / "bridge.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    assert "is a folder: name a file" in refused(tmp_path)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert f"{tmp_path}/data is not a folder" in refused(tmp_path / "data" / "bridge.db")


def test_postgresql_has_no_files(postgres_url: str, open_database: Open) -> None:
    database = open_database(postgres_url)
    assert database.problem() is None
    database.prepare()


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Return a folder that every user can write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def said_by_an_ordinary_user(path: Path) -> str | None:
    """Return the problem of a database for a user that is not root.

    Root may write everything.
    """
    user = os.geteuid()
    os.seteuid(user or 65_534)
    try:
        return Database(f"sqlite:///{path}").problem()
    finally:
        os.seteuid(user)


def test_a_folder_that_is_not_writable(reachable: Path) -> None:
    reachable.chmod(0o555)
    assert f"the folder {reachable} is not writable" in (said_by_an_ordinary_user(reachable / "bridge.db") or "")
    assert f"{reachable}/new cannot be created" in (said_by_an_ordinary_user(reachable / "new" / "bridge.db") or "")


@pytest.mark.parametrize("name", ["bridge.db", "bridge.db-turn", "bridge.db-wal"])
def test_a_file_that_another_user_created(name: str, reachable: Path) -> None:
    (reachable / name).touch()
    (reachable / name).chmod(0o444)
    assert f"{reachable / name} is not readable and writable" in (
        said_by_an_ordinary_user(reachable / "bridge.db") or ""
    )


def test_nothing_is_wrong_and_nothing_is_created(reachable: Path) -> None:
    assert said_by_an_ordinary_user(reachable / "bridge.db") is None
    assert said_by_an_ordinary_user(reachable / "new" / "bridge.db") is None
    assert list(reachable.iterdir()) == []
