"""Retention: deletion of old settled events, in small steps.

A step is short, so that no writer waits long.

An event is settled when no delivery of it waits or is uncertain. It is deleted with its deliveries and attempts. That
happens when its receipt and its settlement are older than the operator's setting. The keys that identify repeats are
deleted much later.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select
from ulid import ULID

from bridge.delivery.database.tables import attempts, deliveries, events, messages, repeats, responses, seen
from bridge.delivery.inbox import queues
from bridge.delivery.rules.retry import Fate
from bridge.messages import ID_LENGTH, LAST_SUFFIX

STEP = 500
"""Events that one transaction deletes."""

SEEN_STEP = 5_000
"""Keys that one transaction reads."""

SEEN_SECONDS = 400 * 86_400.0
"""Seconds for which a repeat is recognised: a year, and a month more."""

_ID_TIME = 10
"""Characters of an id that are its time."""


def sweep_events(connection: Connection, mark: str, before: float) -> str:
    """Delete settled events of the next few.

    Their receipt and settlement are ``before`` (epoch seconds).

    Args:
        mark: where to continue; "" at the beginning.

    Returns:
        Where to continue; "" at the end.
    """
    columns = events.c
    end = str(ULID.from_timestamp(before))[:_ID_TIME]
    # A replay of an event locks it, too.
    oldest = select(columns.id).where(columns.id > mark, columns.id < end).order_by(columns.id).limit(STEP)
    looked_at = connection.execute(oldest.with_for_update(skip_locked=True)).scalars().all()
    if settled := sorted(set(looked_at) - _needed(connection, looked_at, before)):
        of_settled = select(deliveries.c.id).where(deliveries.c.event_id.in_(settled))
        connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(of_settled)))
        connection.execute(delete(deliveries).where(deliveries.c.event_id.in_(settled)))
        connection.execute(delete(events).where(columns.id.in_(settled)))
        _delete_messages(connection, settled)
    return looked_at[-1] if len(looked_at) == STEP else ""


def sweep_repeats(connection: Connection, mark: str, before: float) -> str:
    """Delete ids and bytes of duplicates received ``before``; see ``sweep_events``."""
    end = str(ULID.from_timestamp(before))[:_ID_TIME]
    oldest = select(repeats.c.id).where(repeats.c.id > mark, repeats.c.id < end).order_by(repeats.c.id).limit(STEP)
    ids = connection.execute(oldest).scalars().all()
    if ids:
        connection.execute(delete(repeats).where(repeats.c.id.in_(ids)))
        _delete_messages(connection, ids)
    return ids[-1] if len(ids) == STEP else ""


def sweep_messages(connection: Connection, mark: str, before: float) -> str:
    """Delete messages without events received ``before``; see ``sweep_events``.

    Such a message is an empty batch.
    """
    columns = messages.c
    end = str(ULID.from_timestamp(before))[:_ID_TIME]
    oldest = select(columns.id).where(columns.id > mark, columns.id < end).order_by(columns.id).limit(STEP)
    looked_at = connection.execute(oldest).scalars().all()
    without = select(columns.id).where(columns.id.in_(looked_at), *_without_events())
    if empty := connection.execute(without).scalars().all():
        _delete_messages(connection, sorted(set(empty) - queues.waiting(connection, empty)))
    return looked_at[-1] if len(looked_at) == STEP else ""


def sweep_responses(connection: Connection, mark: str, before: float) -> str:
    """Delete responses last used ``before`` that no attempt refers to; see ``sweep_events``."""
    columns = responses.c
    following = select(columns.digest, columns.at).where(columns.digest > bytes.fromhex(mark)).order_by(columns.digest)
    looked_at = connection.execute(following.limit(STEP)).all()
    old = [row.digest for row in looked_at if row.at < before]
    unused = ~exists().where(attempts.c.response == columns.digest)
    # The time is checked again where the row is locked, since an attempt may refer to it by now.
    connection.execute(delete(responses).where(columns.digest.in_(old), columns.at < before, unused))
    return bytes(looked_at[-1].digest).hex() if len(looked_at) == STEP else ""


def _delete_messages(connection: Connection, event_ids: Sequence[str]) -> None:
    """Delete the messages of these events, unless they have other events."""
    ids = {event_id[:ID_LENGTH] for event_id in event_ids}
    connection.execute(delete(messages).where(messages.c.id.in_(ids), *_without_events()))


def _without_events() -> list[ColumnElement[bool]]:
    """Return the condition of messages that have neither events nor repeats."""
    columns = (events.c.id, repeats.c.id)
    return [~exists().where(one.between(messages.c.id, messages.c.id + LAST_SUFFIX)) for one in columns]


def _needed(connection: Connection, ids: Sequence[str], before: float) -> set[str]:
    columns = deliveries.c
    needed = or_(columns.settled_at.is_(None), columns.settled_at >= before, columns.status == Fate.UNCERTAIN)
    return set(connection.execute(select(columns.event_id).where(columns.event_id.in_(ids), needed)).scalars())


def sweep_seen(connection: Connection, mark: str, before: float) -> str:
    """Delete keys first seen ``before``, of the next few; see ``sweep_events``.

    Keys are in no order of time. An index for it would cost every event more than a weekly scan costs.
    """
    columns = seen.c
    following = select(columns.key, columns.at).where(columns.key > bytes.fromhex(mark)).order_by(columns.key)
    looked_at = connection.execute(following.limit(SEEN_STEP)).all()
    if keys := [row.key for row in looked_at if row.at < before]:
        connection.execute(delete(seen).where(columns.key.in_(keys)))
    return bytes(looked_at[-1].key).hex() if len(looked_at) == SEEN_STEP else ""
