"""The application with the doors of raw events."""

from collections.abc import Iterator

import pytest

from tests.web.raw.applications import Make, applications


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    with applications(sqlite_url) as made:
        yield made
