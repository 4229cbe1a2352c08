"""History of the schema, run by Alembic when the database is opened.

``HEAD`` is the revision that this code works with.
"""

HEAD = "0007"
