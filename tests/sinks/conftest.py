"""Voucherify's side: the stand-in on a socket, every call and answer held against the published OpenAPI files."""

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
    """A stage on which a doubt that began at ``BEGIN`` is old enough: what was posted must have shown."""
    stage.clock.at += 60.0
    return stage
