"""Client of the application that a module of tests makes."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge.delivery.database.engine import Database


@pytest.fixture
def client(make: Callable[..., Flask]) -> FlaskClient:
    return make().test_client()


@pytest.fixture
def stored(sqlite_url: str, open_database: Callable[[str], Database]) -> Database:
    return open_database(sqlite_url)
