"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_DUE = ["sink", "due_at", "id", "size"]
_OPEN = sa.text("status IN ('waiting', 'queued')")
_WAITING = sa.text("status = 'waiting'")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "events",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("door", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("customer", sa.Text),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("events_by_status", "events", ["status", "id"])
    op.create_table(
        "deliveries",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("event_id", sa.Text, sa.ForeignKey("events.id"), nullable=False),
        sa.Column("sink", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("lane", sa.Text),
        sa.Column("mergeable", sa.Boolean, nullable=False),
        sa.Column("run_end", sa.BigInteger),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("claims", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("doubt_since", sa.Double),
        sa.Column("settled_at", sa.Double),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"])
    op.create_index("deliveries_due", "deliveries", _DUE, sqlite_where=_WAITING, postgresql_where=_WAITING)
    op.create_index(
        "deliveries_in_lane", "deliveries", ["sink", "lane", "id"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index("deliveries_by_status", "deliveries", ["status", "event_id"])
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("claim", sa.Integer, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("code", sa.Integer),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seen",
        sa.Column("key", sa.LargeBinary(16), primary_key=True),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sinks",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("paused_until", sa.Double, nullable=False, server_default="0"),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("next_call_at", sa.Double, nullable=False, server_default="0"),
    )
