"""Attacks on a real bridge, while signed webhooks arrive; and random requests to every path.

``pytest tests/hostile -m hostile``. Without ``-m hostile`` these tests do not run. Options:

- ``--write-table`` writes the results into ``docs/security.md``.
- ``--fuzz-seconds N`` (default 60) and ``--fuzz-seed N``: how long, and which random requests.

To add an attack, add one function to ``attacks.py``, and one row to its table ``ATTACKS``. The function gets a port and
a time on the monotonic clock, and attacks the bridge there until that time, in a process of its own. The row has its
name and a description, which ``docs/security.md`` shows. ``test_attacks.py`` measures it and compares with the bounds.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import table
from tests.hostile.measuring import Bridge, Result, serving

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-table", action="store_true", help="Write the results into docs/security.md.")
    parser.addoption("--fuzz-seconds", type=float, default=60.0, help="Duration of the random requests.")
    parser.addoption("--fuzz-seed", type=int, default=1, help="Seed of the random requests.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out, unless they are asked for by their marker."""
    if "hostile" in config.getoption("markexpr"):
        return
    hostile = [item for item in items if item.get_closest_marker("hostile")]
    if hostile:
        config.hook.pytest_deselected(items=hostile)
        items[:] = [item for item in items if item not in hostile]


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    with serving(tmp_path_factory.mktemp("attacked")) as started:
        yield started


@pytest.fixture(scope="module")
def results(pytestconfig: pytest.Config) -> Iterator[list[Result]]:
    """Collect the results of all attacks; written into the document at the end, if wanted."""
    collected: list[Result] = []
    yield collected
    if pytestconfig.getoption("--write-table", default=False):
        SECURITY.write_text(table.replaced(SECURITY.read_text(), collected))
