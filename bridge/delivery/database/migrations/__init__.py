"""The schema's history, run by Alembic when the store opens. ``HEAD`` is the revision that this code works with."""

HEAD = "0005"
