"""Voucherify's own descriptions of its API, if they are available.

They are beside the checkout, or in the folder of BRIDGE_SHARED.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

REQUESTS = {"/v1/customers": "customers", "/v1/events": "events"}
"""By path: the description of its requests."""

Conforms = Callable[[str, dict[str, Any]], None]


@pytest.fixture(scope="session")
def shared() -> Path | None:
    places = [Path(__file__).parents[2].parent / "shared", Path(os.environ.get("BRIDGE_SHARED", "-"))]
    return next((place for place in places if (place / "voucherify").is_dir()), None)


@pytest.fixture(scope="session")
def described(shared: Path | None) -> Callable[[str], dict[str, Any]]:
    """Return the schema of a path's requests. Without the descriptions, it accepts everything."""

    def find(path: str) -> dict[str, Any]:
        if shared is None:
            return {}
        told = json.loads((shared / "voucherify" / f"{REQUESTS[path]}.openapi.json").read_text())
        schema = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return {**schema, "components": told["components"]}

    return find


@pytest.fixture(scope="session")
def conforms(described: Callable[[str], dict[str, Any]]) -> Conforms:
    """Assert that a request's body matches Voucherify's description."""
    validators = {path: OAS30Validator(described(path), format_checker=oas30_format_checker) for path in REQUESTS}

    def check(path: str, body: dict[str, Any]) -> None:
        # The description does not mention null, which clears a field. So fields with null are not checked.
        assert not [error.message for error in validators[path].iter_errors(_without_nulls(body))]

    return check


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value is not None
    }
