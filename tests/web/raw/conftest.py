"""The application with the doors for raw events, and what it has stored."""

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from bridge.delivery.database import Database
from tests.web.raw.applications import Make, applications


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    with applications(sqlite_url) as made:
        yield made


@pytest.fixture
def client(make: Make) -> FlaskClient:
    return make().test_client()


@pytest.fixture
def stored(sqlite_url: str, open_database: Callable[[str], Database]) -> Database:
    return open_database(sqlite_url)
