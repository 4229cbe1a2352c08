"""Entry point of Alembic.

It runs the revisions on the connection that ``Database`` passes in.
"""

from alembic import context

from bridge.delivery.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)

with context.begin_transaction():
    context.run_migrations()
