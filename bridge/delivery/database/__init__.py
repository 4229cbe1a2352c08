"""The database: SQLite or PostgreSQL, its tables, and how rows enter them.

engine      opens the database; the only module that knows which of the two it is
tables      the tables and their indexes
migrations  the history of the tables, run by Alembic
rows        many rows by one statement
packing     compressed bytes in a column
"""
