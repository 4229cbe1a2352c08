"""Address of the database: accepted forms, and corrections of others."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

UNNEEDED = frozenset({"pgbouncer"})
"""Parameters of other programs that make no difference to the bridge.

The bridge works behind a transaction pooler in any case.
"""

RIGHT = {
    "ssl": "write sslmode=require",
    "schema": "write options=-csearch_path%3DNAME",
    "search_path": "write options=-csearch_path%3DNAME",
    "currentSchema": "write options=-csearch_path%3DNAME",
    "connection_limit": "leave it out, the bridge has few connections",
    "pool_timeout": "leave it out",
    "timeout": "write connect_timeout",
}
"""Corrections of parameters that other programs accept."""


def plain(text: str) -> str:
    """Normalise an address: without some drivers' names and ``UNNEEDED``."""
    address = re.sub(r"^postgres(?:ql)?(?:\+psycopg2?)?://", "postgresql://", text.strip(), flags=re.IGNORECASE)
    url = _parsed(address)
    if url is None or url.get_backend_name() != "postgresql" or not url.query.keys() & UNNEEDED:
        return address
    return url.difference_update_query(UNNEEDED).render_as_string(hide_password=False)


def problem(text: str) -> str | None:
    """Say what is wrong with an address, and its correction; None if it is right.

    The text has no password.
    """
    url = _parsed(plain(text))
    backend, _, driver = url.drivername.partition("+") if url else ("", "", "")
    if url is None or backend not in ("sqlite", "postgresql"):
        return "must be like sqlite:///bridge.db or postgresql://user:password@host/name"
    if driver and url.drivername != "sqlite+pysqlite":
        return f"must name no driver: write {backend}://… instead of {backend}+{driver}://…"
    if backend == "postgresql" and "@" in f"{url.host}{url.query}{url.database}":
        # The rest of the password would be shown as the host.
        return "has an @ in the password or the user: write %40 for it, %3F for ? and %2F for /"
    if backend == "postgresql":
        return _unknown(url.query)
    if url.database in (None, "", ":memory:"):
        return "must name a file: what SQLite keeps in memory is lost when the process ends"
    return "must end with the file's name: SQLite takes no parameters (?) here" if url.query else None


def _parsed(address: str) -> URL | None:
    try:
        return make_url(address)
    except (ArgumentError, ValueError):
        return None


def _unknown(query: Mapping[str, object]) -> str | None:
    """Return the problem of the first parameter that libpq does not know.

    libpq would refuse every connection with it.
    """
    if not query:
        return None
    from psycopg.pq import Conninfo  # noqa: PLC0415 - only PostgreSQL needs it, and it takes long to load

    names = [option.keyword.decode() for option in Conninfo.get_defaults()]
    unknown = next((name for name in query if name not in names), None)
    if unknown is None:
        return None
    meant = get_close_matches(unknown.lower(), names, 1)
    right = RIGHT.get(unknown) or (f"is {meant[0]} meant?" if meant else "leave it out")
    return f"has the parameter {unknown}, which PostgreSQL does not know: {right}"
