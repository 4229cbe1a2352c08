"""Folding of old counts into longer intervals, and at last into one total."""

from typing import Any

from sqlalchemy import Connection, Table, delete, func, literal_column, select

from bridge.delivery.counts.tallies import TOTAL_AFTER_SECONDS, WIDTHS
from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import latencies, tallies

# Literal, since PostgreSQL does not recognise a parameter in GROUP BY, and reads a plain 0 as a position.
_NOUGHT: Any = literal_column("bucket * 0")


def fold(connection: Connection, now: float) -> None:
    """Merge older counts into fewer rows.

    Every total stays the same, also for transactions that read meanwhile.
    """
    for table, *summed in ((tallies, "count"), (latencies, "count", "seconds")):
        bucket = table.c.bucket
        _fold(connection, table, summed, (bucket > 0) & (bucket < now - TOTAL_AFTER_SECONDS), _NOUGHT)
        for age, wide in WIDTHS:
            end = int(now - age) // wide * wide
            finer = (bucket > 0) & (bucket < end) & ((bucket % wide != 0) | (table.c.shard != 0))
            _fold(connection, table, summed, finer, literal_column(f"bucket - bucket % {wide}"))


def _fold(connection: Connection, table: Table, summed: list[str], these: Any, into: Any) -> None:
    """Move these rows to the bucket ``into``, and to one shard."""
    key = [
        into,
        *(column for column in table.primary_key if column.name not in ("bucket", "shard")),
        literal_column("0"),
    ]
    names = ["bucket", *(column.name for column in key[1:-1]), "shard"]
    moved = select(*key, *(func.sum(table.c[name]) for name in summed)).where(these).group_by(*key[:-1])
    insertion = INSERT[connection.dialect.name](table).from_select([*names, *summed], moved)
    values = {name: table.c[name] + insertion.excluded[name] for name in summed}
    # The moved rows are never in the target bucket: else they would be counted twice, and then deleted.
    connection.execute(insertion.on_conflict_do_update(index_elements=list(table.primary_key), set_=values))
    connection.execute(delete(table).where(these))
