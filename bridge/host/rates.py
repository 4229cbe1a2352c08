"""Rates of senders, counted by all processes of a host together."""

import os
import sqlite3
import threading
import time
from contextlib import closing
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from bridge.write_keys import WriteKey

BUSY_SECONDS = 1.0
NETWORK_BITS = 64
"""Bits of an IPv6 address that a provider assigns to one customer."""

_TABLE = "CREATE TABLE IF NOT EXISTS windows (sender TEXT PRIMARY KEY, ends_at REAL NOT NULL, used INTEGER NOT NULL)"
_INDEX = "CREATE INDEX IF NOT EXISTS windows_by_end ON windows (ends_at)"
_PREPARATION = ("PRAGMA synchronous = OFF", "PRAGMA journal_mode = MEMORY", _TABLE, _INDEX, "BEGIN IMMEDIATE")
_OLD = "DELETE FROM windows WHERE ends_at <= ?"
_USED = "SELECT ends_at, used FROM windows WHERE sender = ?"
_USE = (
    "INSERT INTO windows VALUES (:sender, :ends_at, :count) "
    "ON CONFLICT (sender) DO UPDATE SET ends_at = excluded.ends_at, used = excluded.used"
)


class Rates:
    """Numbers of events by write key and address.

    They are in a file of SQLite, which is never flushed: after a crash of the host, windows begin anew. The windows of
    a library for rates would be those of one process.

    Args:
        path: the file, created at the first use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def excess_seconds(self, key: WriteKey, address: str, count: int) -> float:
        """Count the events of a request, and return 0.0 if the request is within the key's rate.

        Otherwise return the seconds until the sender's window ends; the events are not counted. A request may exceed
        the rest of a window, so that a batch that is larger than the rate can be sent. Without a usable file, every
        request is within the rate.
        """
        if key.rate is None:
            return 0.0
        now = time.time()
        try:
            with self._lock, closing(self._connection()) as connection, connection:
                for statement in _PREPARATION:
                    connection.execute(statement)
                connection.execute(_OLD, (now,))
                sender = f"{key.digest.hex()} {network(address)}"
                ends_at, used = connection.execute(_USED, (sender,)).fetchone() or (now + key.rate.seconds, 0)
                if used >= key.rate.most:
                    return float(ends_at) - now
                connection.execute(_USE, {"sender": sender, "ends_at": ends_at, "count": used + count})
        except (OSError, sqlite3.Error):
            pass
        return 0.0

    def _connection(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        return sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)


def network(address: str) -> str:
    """Return the address of a sender: of IPv6, the network that one customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS))
    return address
