"""Folding of old counts into longer intervals, and at last into one total.

If a direction counts as many names as it may, those that have been absent for a day become ``OTHER``. So a sender of
made-up names takes the places of others for a day at most, unless it goes on.
"""

from typing import Any

from sqlalchemy import Connection, Table, delete, func, literal, literal_column, select

from bridge.delivery.counts.tallies import HOUR, MOST_NAMES, OTHER, TOTAL_AFTER_SECONDS, WIDTHS, expected
from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import latencies, tallies

# Literal, since PostgreSQL does not recognise a parameter in GROUP BY, and reads a plain 0 as a position.
_NOUGHT: Any = literal_column("bucket * 0")


ABSENT_SECONDS = 26 * HOUR
"""Seconds without a count after which a name frees its place."""


def fold(connection: Connection, now: float) -> None:
    """Merge older counts into fewer rows.

    Every total stays the same, also for transactions that read meanwhile.
    """
    for table, *summed in ((tallies, "count"), (latencies, "count", "seconds")):
        bucket = table.c.bucket
        _fold(connection, table, summed, (bucket > 0) & (bucket < now - TOTAL_AFTER_SECONDS), bucket=_NOUGHT)
        for age, wide in WIDTHS:
            end = int(now - age) // wide * wide
            finer = (bucket > 0) & (bucket < end) & ((bucket % wide != 0) | (table.c.shard != 0))
            _fold(connection, table, summed, finer, bucket=literal_column(f"bucket - bucket % {wide}"))
    for column in ("event", "cause"):
        _forget(connection, column, now)


def _forget(connection: Connection, column: str, now: float) -> None:
    """Count absent names as ``OTHER`` in directions that have no place for another."""
    columns = tallies.c
    name = columns[column]
    last = select(columns.direction, name, func.max(columns.bucket)).group_by(columns.direction, name)
    by_direction: dict[str, dict[str, int]] = {}
    for direction, one, at in connection.execute(last):
        by_direction.setdefault(direction, {})[one] = at
    keep = {"", OTHER} | expected(connection.engine)
    for direction, last_at in by_direction.items():
        absent = [one for one, at in last_at.items() if at < now - ABSENT_SECONDS and one not in keep]
        if absent and len(last_at.keys() - expected(connection.engine)) >= MOST_NAMES:
            these = (columns.direction == direction) & name.in_(absent)
            _fold(connection, tallies, ["count"], these, **{column: literal(OTHER)})


def _fold(connection: Connection, table: Table, summed: list[str], these: Any, **into: Any) -> None:
    """Move these rows to one shard, and to other values of their key: ``into``, by column."""
    names = [column.name for column in table.primary_key if column.name != "shard"]
    key = [into.get(name, table.c[name]) for name in names]
    left = [one for name, one in zip(names, key, strict=True) if name not in into or name == "bucket"]
    names.append("shard")
    sums = (func.sum(table.c[name]) for name in summed)
    moved = select(*key, literal_column("0"), *sums).where(these).group_by(*left)
    insertion = INSERT[connection.dialect.name](table).from_select([*names, *summed], moved)
    values = {name: table.c[name] + insertion.excluded[name] for name in summed}
    # The moved rows never have the target key: else they would be counted twice, and then deleted.
    connection.execute(insertion.on_conflict_do_update(index_elements=list(table.primary_key), set_=values))
    connection.execute(delete(table).where(these))
