"""Connections and transactions of a database, SQLite or PostgreSQL.

This is the only module that knows which of the two it is.
"""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from errno import ENOENT
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from bridge.delivery.database import files
from bridge.delivery.database.migrations import HEAD
from bridge.errors import ConfigError, StoreUnavailable

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""``insert`` of each dialect, for ``on_conflict_do_…``."""

# A server that has vanished is noticed within seconds, not when TCP times out.
_LIBPQ = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}

_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")

VARIABLE = "BRIDGE_DATABASE_URL"

# Any constant: the name of the lock under which one process at a time upgrades the schema.
_MIGRATION_LOCK = 0x6272696467


class Database:
    """A database with the current schema, safe to use from any number of threads."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._hasty = self.engine.execution_options(hasty=True)
        self.insert = INSERT[self.engine.dialect.name]
        self._file = Path(self.engine.url.database or "").absolute() if self.engine.dialect.name == "sqlite" else None
        self._turn = self._file and self._file.with_name(f"{self._file.name}-turn")
        self._is_current = False

    @property
    def name(self) -> str:
        """Address of the database, without user and password."""
        if self._file:
            return str(self._file)
        url = self.engine.url
        host, port = (_first(url.query.get(name, "")) for name in ("host", "port"))
        port = str(url.port or port)
        return f"postgresql://{url.host or host}{port and ':'}{port}/{url.database or ''}"

    def free_bytes(self) -> int | None:
        """Return the free bytes on SQLite's disk.

        None if the database is elsewhere, or if the system does not say.
        """
        try:
            return shutil.disk_usage(self._file.parent).free if self._file else None
        except OSError:
            return None

    def now(self, connection: Connection) -> float:
        """Return epoch seconds on the database's clock, shared by all hosts."""
        if self._file:
            return time.time()
        now: float = connection.execute(_NOW).scalar_one()
        return now

    def exists(self) -> bool:
        """Return whether there is a database to read, without creating a file.

        An empty file is no database.
        """
        return self._file is None or (self._file.is_file() and self._file.stat().st_size > 0)

    def problem(self) -> str | None:
        """Say which path or permission prevents use of the database.

        None if it is usable, or only does not answer now.

        It creates nothing.
        """
        return files.problem(self._file) if self._file else None

    def prepare(self) -> None:
        """Create the folder of SQLite's file if only that folder is missing.

        Raises:
            ConfigError: a path or permission prevents its use.
        """
        if self._file is None:
            return
        if reason := files.problem(self._file):
            raise ConfigError({VARIABLE: reason})
        try:
            files.make_folder(self._file)
        except OSError as error:
            raise ConfigError({VARIABLE: f"{self._file.parent} cannot be created: {error.strerror}"}) from error

    def migrate(self) -> None:
        """Upgrade the schema to the current version.

        Processes that start at the same time wait for the first of them.

        Every use of the database upgrades it first, if that was not possible before. So a database that is down at the
        start of a process is used as soon as it answers.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        with _unavailable(), self._my_turn(), self._made().begin() as connection:
            if self._turn is None:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            if revision(connection) != HEAD:
                _upgrade(connection)
        self._is_current = True

    @contextmanager
    def writing(self, *, hasty: bool = False) -> Iterator[Connection]:
        """Open a transaction that writes, and commit it at the end of the block.

        Args:
            hasty: on SQLite, do not wait for the disk. A power cut may undo the transaction and all later ones, and
                nothing before them. For work that has no effect when it is repeated.

        SQLite has one writer at a time, and its own waiting is unfair: it sleeps in growing steps. So processes and
        threads take turns by file locks, and the kernel wakes the next one at once.

        Raises:
            StoreUnavailable: nothing was written.
        """
        if not self._is_current:
            self.migrate()
        with _unavailable(), self._my_turn(), (self._hasty if hasty else self.engine).begin() as connection:
            self._refuse_if_removed(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for single statements that only read.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        if not self._is_current:
            self.migrate()
        with _unavailable(), self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """Open a connection for reading, whatever schema the database has.

        The database must exist.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with _unavailable(), self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    def look(self) -> str | None:
        """Return the schema revision of a database that can be written.

        None if there is no schema yet. The check changes nothing. The database must exist.

        It must exist.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        with _unavailable(), self.engine.connect() as connection, connection.begin() as transaction:
            schema = revision(connection)
            connection.execute(text("CREATE TABLE bridge_check (id INTEGER)"))
            transaction.rollback()
        return schema

    def close(self) -> None:
        """Close all connections.

        The next use opens new ones. For a process that is about to fork, or to end.
        """
        self.engine.dispose()

    def _refuse_if_removed(self, connection: Connection) -> None:
        """Refuse to write to a file that was deleted or replaced.

        SQLite would write to the old file, and lose these rows.
        """
        if self._file and (not self._file.exists() or self._file.stat().st_ino != connection.info["inode"]):
            connection.invalidate()
            self._is_current = False
            raise FileNotFoundError(ENOENT, "it was replaced", str(self._file))

    def _made(self) -> Engine:
        """Return the engine after creating SQLite's file with its mode.

        SQLite itself would create the file as the umask has it.
        """
        if self._file:
            files.make_file(self._file)
        return self.engine

    def _my_turn(self) -> Any:
        return nullcontext() if self._turn is None else _holding(self._turn)


def revision(connection: Connection) -> str | None:
    """Return the schema revision of the database, or None."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    number: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return number


@contextmanager
def _holding(path: Path) -> Iterator[None]:
    """Hold the writers' lock for the block.

    The first lock is the head of the queue. Without it, the last writer could lock again at once, and others would
    starve.
    """
    # Opened anew each time: the lock belongs to the open file, so threads exclude each other as processes do, and
    # nothing of it crosses a fork.
    with files.open_lock(path) as turn:
        with files.open_lock(path.with_name(f"{path.name}-next")) as head:
            fcntl.flock(head, fcntl.LOCK_EX)
            fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@contextmanager
def _unavailable() -> Iterator[None]:
    """Raise every error of the database as ``StoreUnavailable``.

    The text of an error may hold parameters, so it is not repeated.
    """
    try:
        yield
    except OperationalError as error:
        raise StoreUnavailable(f"the database says: {str(error.orig).splitlines()[0]}") from error
    except DBAPIError as error:
        raise StoreUnavailable(f"the database says {type(error.orig).__name__}") from error
    except OSError as error:
        raise StoreUnavailable(f"the database cannot be used: {error.filename}: {error.strerror}") from error
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"the database cannot be used: {type(error).__name__}") from error


def _first(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[0]


def _engine(url: str) -> Engine:
    """Create the engine of a URL; ``postgresql://`` means psycopg 3."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "postgresql":
        # Tested before use, so that a connection which the server has dropped fails no request.
        # No prepared statements: behind a transaction pooler they would be another client's.
        return create_engine(parsed, pool_pre_ping=True, connect_args=_LIBPQ | {"prepare_threshold": None})
    engine = create_engine(parsed, connect_args={"timeout": 5.0})
    event.listen(engine, "connect", partial(_configure_sqlite, engine.url.database or ""))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


# 16 MB. Index pages change with nearly every event: the later SQLite writes them to the file, the fewer the writes.
_WAL_PAGES = 4_000


def _configure_sqlite(path: str, connection: Any, record: Any) -> None:
    record.info["inode"] = Path(path).stat().st_ino
    # The driver must not begin transactions by itself: BEGIN IMMEDIATE is sent when one begins.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # SQLAlchemy reports a beginning in AUTOCOMMIT too. A reader must not take the writers' lock.
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(f"PRAGMA synchronous = {'NORMAL' if options.get('hasty') else 'FULL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(connection: Connection) -> None:
    # Imported for an upgrade only: loading it takes longer than the rest of the database.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.util import CommandError  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", "bridge.delivery.database:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnavailable(f"the database has the schema of a newer bridge ({revision(connection)})") from error
