"""Many rows by one statement: SQLAlchemy writes it once for each database, and the rows go straight to the driver.

What SQLAlchemy would do for each row takes as long as the database itself: defaults and conversions, and no column here
needs any.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update
from sqlalchemy.dialects import sqlite

Statement = Insert | Update


def execute_for_each(connection: Connection, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute ``statement`` for each of ``rows``.

    Args:
        statement: a constant, for what is written for it is kept for ever; without values of its own.
        rows: its parameters by name, the same names in all.

    Returns:
        How many rows of the table it touched.
    """
    if not rows:
        return 0
    columns = tuple(rows[0]) if isinstance(statement, Insert) else None
    return connection.exec_driver_sql(_written(statement, connection.dialect, columns), list(rows)).rowcount


@cache
def _written(statement: Statement, dialect: Dialect, columns: tuple[str, ...] | None) -> str:
    # Python's driver for SQLite takes parameters by name, too; SQLAlchemy makes use of their places.
    by_name = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
    return str(statement.compile(dialect=by_name, column_keys=columns))
