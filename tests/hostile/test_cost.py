"""Processor time that a stranger can buy with one request."""

from pathlib import Path

import pytest

from tests.hostile.cost import application, costs

pytestmark = pytest.mark.hostile

MOST = 10.0
"""Multiple of an HMAC over the same bytes.

Three come from reading the body and the HMAC itself, and the rest from the removal of white space in valid JSON.
"""

NOISE_SECONDS = 0.0005


def test_a_request_without_credentials_costs_a_few_digests(tmp_path: Path) -> None:
    expensive = [cost for cost in costs(application(tmp_path)) if cost.ratio > MOST and cost.seconds > NOISE_SECONDS]
    assert not expensive, "\n".join(map(str, expensive))
