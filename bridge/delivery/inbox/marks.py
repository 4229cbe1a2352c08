"""Marks of messages that are stored although they were answered 503.

A commit's answer can be late or lost. Then the sender has its 503, and sends the message again. A mark makes the next
identical message a duplicate, once. Two identical messages that the sender means as two remain two.
"""

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, exists, select

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import marks
from bridge.messages import Message

LIFETIME_SECONDS = 4 * 3600.0
"""Seconds of a mark.

Segment retries for four hours. Voucherify's events have ids of their own.
"""


def mark_key(message: Message) -> bytes:
    """Return the key that identical messages share: door, credential and bytes."""
    return hashlib.sha256(b"\0".join((message.door.encode(), message.credential, message.body))).digest()


def mark(connection: Connection, messages: Iterable[Message], now: float) -> None:
    """Insert marks of messages that are stored and were answered 503."""
    connection.execute(delete(marks).where(marks.c.until < now))
    rows = [{"key": mark_key(one), "message_id": one.id, "until": now + LIFETIME_SECONDS} for one in messages]
    insertion = INSERT[connection.dialect.name](marks)
    newest = {name: insertion.excluded[name] for name in ("message_id", "until")}
    connection.execute(insertion.on_conflict_do_update(index_elements=["key"], set_=newest), rows)


def repeated(connection: Connection, messages: Iterable[Message], now: float) -> Mapping[bytes, tuple[str, str]]:
    """Return, by the key of a mark, the repeating and the marked message."""
    if not connection.execute(select(exists().select_from(marks))).scalar():
        return {}  # nearly always: no digest is needed
    ids: dict[bytes, list[str]] = {}
    for message in messages:
        ids.setdefault(mark_key(message), []).append(message.id)
    valid = select(marks.c.key, marks.c.message_id).where(marks.c.key.in_(ids), marks.c.until >= now)
    marked = {bytes(row.key): row.message_id for row in connection.execute(valid)}
    others = {key: [one for one in ids[key] if one != first] for key, first in marked.items()}
    return {key: (others[key][0], first) for key, first in marked.items() if others[key]}


def use_up(connection: Connection, keys: Iterable[bytes]) -> bool:
    """Delete marks; False if another translator has used one of them."""
    keys = list(keys)
    return connection.execute(delete(marks).where(marks.c.key.in_(keys))).rowcount == len(keys)
