"""Outages: responses stored once, bulks under way, careful calls, and a quick recovery.

Every column may be missing in a row, so processes of the version before work with the same tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_HELD_UP = sa.text("status = 'waiting' AND held_up")
_REFERS = sa.text("response IS NOT NULL")


def upgrade() -> None:
    """Add a table and columns."""
    op.create_table(
        "responses",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("responses_by_time", "responses", ["at"])
    op.add_column("attempts", sa.Column("response", sa.LargeBinary))
    op.create_index("attempts_by_response", "attempts", ["response"], sqlite_where=_REFERS, postgresql_where=_REFERS)
    for column in (
        sa.Column("omitted", sa.Integer, nullable=False, server_default="0"),
        sa.Column("job", sa.Text),
        sa.Column("job_since", sa.Double),
        sa.Column("held_up", sa.Boolean),
        sa.Column("brought_at", sa.Double),
    ):
        op.add_column("deliveries", column)
    op.create_index(
        "deliveries_held_up", "deliveries", ["sink", "due_at", "id"], sqlite_where=_HELD_UP, postgresql_where=_HELD_UP
    )
    op.add_column("sinks", sa.Column("probe_until", sa.Double))
    op.add_column("sinks", sa.Column("ramp", sa.Integer, nullable=False, server_default="0"))
