"""Inserts of many rows by one statement.

For every row that a driver gets, it releases the interpreter. Among dozens of threads it waits long to get it back, and
no other process can write meanwhile. SQLAlchemy spends as long on a row as the database does, on defaults and
conversions that no column here needs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Row, Table

T = TypeVar("T")

MOST_VALUES = 10_000
"""Values in one statement.

SQLite's limit is 32,766, PostgreSQL's 65,535.
"""

MOST = 1_000
"""Rows in one statement: of the widest table, few more values than that."""


def portions(values: Sequence[T], most: int | None = None) -> Iterator[Sequence[T]]:
    """Split ``values`` into portions of ``most``, or of one statement's rows."""
    size = most or MOST_VALUES
    return (values[start : start + size] for start in range(0, len(values), size))


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows`` into ``table``, in their order.

    A row is values by column, with the same columns in all rows.
    """
    for _ in _inserted(connection, table, rows, ""):
        pass


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose key is new, and return how many."""
    return sum(result.rowcount for result in _inserted(connection, table, rows, " ON CONFLICT DO NOTHING"))


def insert_returning(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *columns: str
) -> list[Row[Any]]:
    """Insert ``rows``, and return these columns of the new rows, in any order."""
    results = _inserted(connection, table, rows, f" RETURNING {', '.join(columns)}")
    return [row for result in results for row in result]


def _inserted(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], ending: str
) -> Iterator[CursorResult[Any]]:
    placeholder = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    for some in portions(rows, MOST):
        columns = tuple(some[0])
        row = f"({', '.join([placeholder] * len(columns))})"
        head = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "  # noqa: S608 - names of the bridge's own
        values = tuple(one[column] for one in some for column in columns)
        yield connection.exec_driver_sql(head + ", ".join([row] * len(some)) + ending, values)
