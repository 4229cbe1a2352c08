"""Transactions that fail or wait where a test needs it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from bridge.delivery.database.engine import Database
from bridge.errors import StoreUnavailable


@contextmanager
def once(database: Database, *, before: Callable[[], object] = lambda: None, after: bool = False) -> Iterator[None]:
    """Let the next writing transaction call ``before`` its commit and fail.

    ``after`` is called after its commit.
    """
    genuine = database.writing

    @contextmanager
    def writing(*, hasty: bool = False) -> Iterator[Connection]:
        database.writing = genuine  # type: ignore[method-assign] # in this test alone
        with genuine(hasty=hasty) as connection:
            yield connection
            before()
            if not after:
                raise StoreUnavailable("the connection was lost")
        raise StoreUnavailable("the answer was lost")

    database.writing = writing  # type: ignore[method-assign] # in this test alone
    try:
        yield
    finally:
        database.writing = genuine  # type: ignore[method-assign] # in this test alone


@contextmanager
def held(database: Database, *, at_commit: bool) -> Iterator[threading.Event]:
    """Hold the next writing transaction until the block ends.

    It is held at its beginning, or at its commit.
    """
    genuine, reached, go = database.writing, threading.Event(), threading.Event()

    @contextmanager
    def writing(*, hasty: bool = False) -> Iterator[Connection]:
        database.writing = genuine  # type: ignore[method-assign] # in this test alone
        if not at_commit:
            reached.set()
            assert go.wait(30)
        with genuine(hasty=hasty) as connection:
            yield connection
            if at_commit:
                reached.set()
                assert go.wait(30)

    database.writing = writing  # type: ignore[method-assign] # in this test alone
    try:
        yield reached
    finally:
        go.set()
