"""Records of attempts, bounded: an outage repeats one response a million times.

- Of each delivery, the first attempt and the last few are kept, and the number between.
- A long response is stored once, by its digest. Error pages that differ only in numbers and ids count as one. Other
  responses do not: they may hold a customer's data.
- In an hour, only so many different responses are stored. Further ones are cut.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, delete, func, select, tuple_, update

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.packing import pack
from bridge.delivery.database.rows import insert_rows, portions
from bridge.delivery.database.tables import attempts, deliveries, responses
from bridge.delivery.rules.causes import general
from bridge.json_text import storable

FIRST, LAST = 1, 4
"""Attempts of a delivery that are kept: the first ones, and the last ones."""

SHORT, LAST_SHORT = 200, 2_000
"""Characters of a response that an attempt holds itself, and an attempt that settles its delivery."""

RESPONSES_PER_HOUR = 500
"""Different responses of an hour that are stored in full."""

HOUR = 3_600.0

_DIGEST_BYTES = 16

_HEAD = 1_000
"""Characters of a response in which a page of HTML begins."""


@dataclass(frozen=True, slots=True)
class Record:
    """An attempt to store.

    Attributes:
        row: its columns, with the whole response as ``detail``.
        is_last: whether the delivery is settled with it.
    """

    row: Mapping[str, Any]
    is_last: bool


def keep(connection: Connection, records: Sequence[Record], now: float) -> None:
    """Store attempts, and delete those of the same deliveries that are not kept."""
    if not records:
        return
    texts = {text for text in map(_text, records) if len(text[0]) > _own_length(is_last=text[1])}
    digests = {text: _digest(*text) for text in texts}
    stored = _store(connection, {digest: text[0] for text, digest in digests.items()}, now)
    columns = {text: _columns(text, digests.get(text), stored) for text in {_text(one) for one in records}}
    insert_rows(connection, attempts, [{**one.row, **columns[_text(one)]} for one in records])
    _trim(connection, [one.row["delivery_id"] for one in records if one.row["claim"] > FIRST + LAST])


def _text(record: Record) -> tuple[str, bool]:
    return record.row["detail"], record.is_last


def _columns(text: tuple[str, bool], digest: bytes | None, stored: Collection[bytes]) -> dict[str, Any]:
    detail, is_last = text
    if digest in stored:
        return {"detail": "", "response": digest}
    return {"detail": storable(detail[: _own_length(is_last=is_last)]), "response": None}


def _own_length(*, is_last: bool) -> int:
    return LAST_SHORT if is_last else SHORT


def _digest(text: str, is_last: bool) -> bytes:  # noqa: FBT001 - a key of a table, unpacked
    is_page = not is_last and "<html" in text[:_HEAD].lower()
    return blake2b((general(text) if is_page else text).encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()


def _store(connection: Connection, texts: Mapping[bytes, str], now: float) -> set[bytes]:
    """Store responses once, and return the digests of those that are stored."""
    if not texts:
        return set()
    table = responses.c
    known: set[bytes] = set()
    for some in portions(sorted(texts)):
        known.update(map(bytes, connection.execute(select(table.digest).where(table.digest.in_(some))).scalars()))
    recent = select(table.digest).where(table.at > now - HOUR).limit(RESPONSES_PER_HOUR).subquery()
    room = RESPONSES_PER_HOUR - (connection.execute(select(func.count()).select_from(recent)).scalar() or 0)
    new = sorted(texts.keys() - known)[: max(room, 0)]
    rows = [{"digest": one, "at": now, "body": pack(storable(texts[one]).encode())} for one in sorted({*known, *new})]
    if rows:
        # Retention deletes what was not used for long: a row that is used again is locked until its attempt is there.
        insertion = INSERT[connection.dialect.name](responses)
        again = {"at": insertion.excluded.at}
        connection.execute(
            insertion.on_conflict_do_update(
                index_elements=["digest"], set_=again, where=responses.c.at < insertion.excluded.at - HOUR
            ),
            rows,
        )
    return {*known, *new}


def _trim(connection: Connection, delivery_ids: Sequence[int]) -> None:
    """Delete the attempts between the first and the last ones, and count them."""
    omitted: Counter[int] = Counter()
    for some in portions(delivery_ids):
        table, own = attempts.c, attempts.c.delivery_id.in_(some)
        from_first = func.row_number().over(partition_by=table.delivery_id, order_by=table.claim)
        from_last = func.row_number().over(partition_by=table.delivery_id, order_by=table.claim.desc())
        numbered = select(table.delivery_id, table.claim, from_first.label("first"), from_last.label("last"))
        placed = numbered.where(own).subquery()
        between = select(placed.c.delivery_id, placed.c.claim).where(placed.c.first > FIRST, placed.c.last > LAST)
        deletion = delete(attempts).where(own, tuple_(table.delivery_id, table.claim).in_(between))
        omitted.update(connection.execute(deletion.returning(table.delivery_id)).scalars())
    by_number: dict[int, list[int]] = defaultdict(list)
    for delivery_id, number in omitted.items():
        by_number[number].append(delivery_id)
    for number, ids in by_number.items():
        added = {"omitted": deliveries.c.omitted + number}
        connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(added))
