"""Inbox and ``sending``.

Bytes move from events to messages. A delivery that is being sent has a status of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OPEN = sa.text("lane IS NOT NULL AND status IN ('waiting', 'queued', 'sending')")
_HAS_CUSTOMER = sa.text("customer IS NOT NULL")


def upgrade() -> None:
    """Create the tables of the inbox, and move the stored events into them."""
    _messages()
    _queues()
    _deliveries()
    op.create_table(
        "repeats",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("bulk_replays", sa.Column("given", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE bulk_replays SET given = done")
    op.drop_column("bulk_replays", "claims")
    op.drop_column("bulk_replays", "leased_until")
    op.drop_table("remembered")
    op.add_column("sinks", sa.Column("throttled", sa.Integer, nullable=False, server_default="0"))
    op.add_column("sinks", sa.Column("throttled_at", sa.Double, nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":  # SQLite's integers have one size
        for table in ("tallies", "latencies"):
            op.alter_column(table, "shard", type_=sa.BigInteger)


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("door", sa.Text, nullable=False),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("credential", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    no_bytes = "''::bytea" if op.get_bind().dialect.name == "postgresql" else "x''"
    queue = (
        "CASE WHEN direction = 'to_segment' THEN 'webhooks' WHEN door LIKE 'segmentio/%' THEN 'calls' ELSE 'events' END"
    )
    columns = "id, queue, direction, door, received_at, request_id, credential, body"
    values = f"id, {queue}, direction, door, received_at, '', {no_bytes}, body"
    op.execute(f"INSERT INTO messages ({columns}) SELECT {values} FROM events")  # noqa: S608 - constants
    op.drop_column("events", "body")
    op.drop_index("events_by_customer", "events")
    op.create_index(
        "events_by_customer",
        "events",
        [sa.text("substr(customer, 1, 200)"), "id"],
        sqlite_where=_HAS_CUSTOMER,
        postgresql_where=_HAS_CUSTOMER,
    )


def _queues() -> None:
    op.create_table(
        "pending",
        sa.Column("sequence", _SERIAL, primary_key=True),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("pending_by_queue", "pending", ["queue", "sequence"])
    op.create_table(
        "replays",
        sa.Column("sequence", _SERIAL, primary_key=True),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("audit_id", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("bulk_id", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("replays_by_queue", "replays", ["queue", "sequence"])
    op.create_table(
        "rounds",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("exclusive", sa.Text, unique=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("work", sa.Text, nullable=False),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("begun", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_expires_at", sa.Double, nullable=False),
    )
    op.create_table(
        "translators",
        sa.Column("queue", sa.Text, primary_key=True),
        sa.Column("beat_at", sa.Double, nullable=False, server_default="0"),
        sa.Column("paused_until", sa.Double, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "marks",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )


def _deliveries() -> None:
    for column in (
        sa.Column("lease_expires_at", sa.Double),
        sa.Column("code", sa.Integer),
        sa.Column("seconds", sa.Double),
    ):
        op.add_column("deliveries", column)
    # Before, a claim was a number without a recorded outcome, and its lease ended when the delivery was due again.
    op.execute(
        "UPDATE deliveries SET status = 'sending', lease_expires_at = due_at"
        " WHERE status = 'waiting' AND claims > 0 AND NOT EXISTS"
        " (SELECT 1 FROM attempts WHERE delivery_id = deliveries.id AND claim = deliveries.claims)"
    )
    op.alter_column("deliveries", "run_end", new_column_name="merged_through")
    op.add_column("deliveries", sa.Column("never_merge", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE deliveries SET never_merge = true, merged_through = NULL"
        " WHERE merged_through = id AND status IN ('waiting', 'queued', 'sending')"
    )
    op.drop_index("deliveries_in_lane", "deliveries")
    op.create_index(
        "deliveries_in_lane", "deliveries", ["sink", "lane", "id"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
