"""The stand-in for Voucherify on a socket.

Every call and response is checked against the published OpenAPI files.
"""

from collections.abc import Iterator

import pytest

from tests.demo.contract import Contract, shared
from tests.sinks.voucherify_stage import Stage


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(shared())


@pytest.fixture
def stage(contract: Contract) -> Iterator[Stage]:
    with Stage(contract) as stage:
        yield stage
    problems, contract.problems = contract.problems, []
    assert not problems


@pytest.fixture
def later(stage: Stage) -> Stage:
    """Return a stage at a time when a doubt of ``BEGIN`` is old enough.

    Every post must be visible by then.
    """
    stage.clock.at += 60.0
    return stage
