"""Marks: messages that were answered 503 although they are stored. The sender's next try is a repeat of such a one.

A commit's answer can be late or lost. Then the sender has its 503, and sends the message again. A mark makes the next
same message a duplicate, once. Identical messages that are meant stay two.
"""

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, exists, select

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import marks
from bridge.messages import Message

LIFETIME_SECONDS = 4 * 3600.0
"""Segment retries for four hours; Voucherify's events have ids of their own."""


def mark_key(message: Message) -> bytes:
    """Name what makes two messages the same: door, credential and bytes."""
    return hashlib.sha256(b"\0".join((message.door.encode(), message.credential, message.body))).digest()


def mark(connection: Connection, messages: Iterable[Message], now: float) -> None:
    """Mark messages that were answered 503 and are stored."""
    connection.execute(delete(marks).where(marks.c.until < now))
    rows = [{"key": mark_key(one), "message_id": one.id, "until": now + LIFETIME_SECONDS} for one in messages]
    insertion = INSERT[connection.dialect.name](marks)
    newest = {name: insertion.excluded[name] for name in ("message_id", "until")}
    connection.execute(insertion.on_conflict_do_update(index_elements=["key"], set_=newest), rows)


def repeated(connection: Connection, messages: Iterable[Message], now: float) -> Mapping[bytes, tuple[str, str]]:
    """By the key of a mark, the message that repeats it and the message that is marked."""
    if not connection.execute(select(exists().select_from(marks))).scalar():
        return {}  # nearly always: no digest is needed
    ids: dict[bytes, list[str]] = {}
    for message in messages:
        ids.setdefault(mark_key(message), []).append(message.id)
    valid = select(marks.c.key, marks.c.message_id).where(marks.c.key.in_(ids), marks.c.until >= now)
    found = {bytes(row.key): row.message_id for row in connection.execute(valid)}
    others = {key: [one for one in ids[key] if one != first] for key, first in found.items()}
    return {key: (others[key][0], first) for key, first in found.items() if others[key]}


def use_up(connection: Connection, keys: Iterable[bytes]) -> bool:
    """Use marks up; False if another translator has used one of them."""
    keys = list(keys)
    return connection.execute(delete(marks).where(marks.c.key.in_(keys))).rowcount == len(keys)
