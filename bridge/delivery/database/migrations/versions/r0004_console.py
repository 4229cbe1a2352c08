"""Tables of the console: audit, failed sign-ins, and bulk replays."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add three tables."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("did", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("audit_by_event", "audit", ["event_id", "id"])
    op.create_table(
        "sign_ins",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    op.create_table(
        "bulk_replays",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("up_to", sa.Text, nullable=False),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("became", sa.Text, nullable=False, server_default="{}"),
        sa.Column("claims", sa.Integer, nullable=False, server_default="0"),
        sa.Column("leased_until", sa.Double, nullable=False, server_default="0"),
        sa.Column("ended_at", sa.Double),
    )
    op.create_index("bulk_replays_by_state", "bulk_replays", ["state"])
