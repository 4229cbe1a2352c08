"""What one process knows and the next must not forget: a content by name, in the database."""

import time

import structlog
from sqlalchemy import select

from bridge.delivery.database import Database
from bridge.delivery.store import pack, unpack
from bridge.delivery.tables import remembered
from bridge.errors import StoreUnavailable

_log = structlog.get_logger("bridge")


class Memory:
    """Remembers the last content of one name.

    A database that is away is no reason to stop: then nothing is remembered, and the log says so.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def recall(self) -> bytes | None:
        """What was remembered last, by any process; None if there is nothing, or nobody knows."""
        statement = select(remembered.c.content).where(remembered.c.name == self._name)
        try:
            with self._database.reading() as connection:
                content = connection.execute(statement).scalar()
        except StoreUnavailable as error:
            _log.warning("not recalled", name=self._name, reason=str(error))
            return None
        return None if content is None else unpack(content)

    def remember(self, content: bytes) -> None:
        """Keep it, in place of what was there."""
        row = {"content": pack(content), "at": time.time()}
        statement = (
            self._database.insert(remembered)
            .values(name=self._name, **row)
            .on_conflict_do_update(index_elements=["name"], set_=row)
        )
        try:
            with self._database.writing() as connection:
                connection.execute(statement)
        except StoreUnavailable as error:
            _log.warning("not remembered", name=self._name, reason=str(error))
