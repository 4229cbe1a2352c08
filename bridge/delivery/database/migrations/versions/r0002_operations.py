"""Tables of operations.

They hold counts, latencies and the workers' beats. Indexes serve every search for events.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_CUSTOMER = sa.text("customer IS NOT NULL")
_QUARANTINED = sa.text("status = 'quarantined'")
_FAILED = sa.text("cause IS NOT NULL")


def upgrade() -> None:
    """Add the tables of operations to the first schema."""
    _add_columns()
    _add_indexes()
    op.create_table(
        "tallies",
        sa.Column("bucket", sa.BigInteger, primary_key=True),
        sa.Column("direction", sa.Text, primary_key=True),
        sa.Column("event", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("cause", sa.Text, primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "latencies",
        sa.Column("bucket", sa.BigInteger, primary_key=True),
        sa.Column("sink", sa.Text, primary_key=True),
        sa.Column("up_to", sa.Double, primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "chores",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("mark", sa.Text, nullable=False, server_default=""),
    )


def _add_columns() -> None:
    op.add_column("deliveries", sa.Column("event", sa.Text, nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("cause", sa.Text))
    op.add_column("sinks", sa.Column("beat_at", sa.Double, nullable=False, server_default="0"))
    op.execute("UPDATE deliveries SET event = (SELECT event FROM events WHERE events.id = deliveries.event_id)")
    op.execute(
        "UPDATE deliveries SET cause = COALESCE("
        "(SELECT outcome || COALESCE(' ' || CAST(code AS TEXT), '') FROM attempts"
        " WHERE delivery_id = deliveries.id ORDER BY claim DESC LIMIT 1), status)"
        " WHERE status IN ('dead', 'uncertain')"
    )


def _add_indexes() -> None:
    op.drop_index("events_by_status", "events")
    op.drop_index("deliveries_by_status", "deliveries")
    op.create_index("events_by_status", "events", ["direction", "status", "id"])
    op.create_index("events_by_name", "events", ["direction", "event", "id"])
    op.create_index(
        "events_by_customer", "events", ["customer", "id"], sqlite_where=_CUSTOMER, postgresql_where=_CUSTOMER
    )
    op.create_index(
        "events_by_reason", "events", ["id", "reason"], sqlite_where=_QUARANTINED, postgresql_where=_QUARANTINED
    )
    op.create_index("deliveries_by_status", "deliveries", ["sink", "status", "event_id"])
    op.create_index(
        "deliveries_by_cause", "deliveries", ["event_id", "cause"], sqlite_where=_FAILED, postgresql_where=_FAILED
    )
