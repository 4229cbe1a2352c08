"""Sessions of the console.

Another change may bring a migration of this number. Then one of them is renumbered, here and in ``HEAD``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add a table. Cookies of earlier versions hold no id, so their operators sign in again."""
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
