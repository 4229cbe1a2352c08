"""Whatever the description allows may be called: no answer is a 5xx, and each is as described."""

import hmac
from base64 import b64encode
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bridge.signature import HEADER, sign
from tests.acceptance.conftest import Serve
from tests.acceptance.destination import Destination
from tests.acceptance.receiver import Receiver
from tests.acceptance.voucherify import Voucherify
from tests.webhooks import SECRET

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SHARED, WRITE_KEY = "a-shared-secret", "a-write-key"
EXAMPLES = 10


class Proof(requests.auth.AuthBase):
    """What each caller proves itself with: everything, so that each finds its own."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        request.headers[HEADER] = sign(content, SECRET)
        request.headers["X-Signature"] = hmac.new(SHARED.encode(), content, "sha1").hexdigest()
        request.headers["X-Bridge-Secret"] = SHARED
        request.headers.update(Destination("").headers())
        if "/v1/" in str(request.url):
            request.headers["authorization"] = f"Basic {b64encode(f'{WRITE_KEY}:'.encode()).decode()}"
        return request


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # schemathesis' own
def test_no_call_that_the_description_allows_gets_a_5xx_or_an_answer_that_it_does_not_tell_of(
    sqlite_url: str, serve: Serve, segment: Receiver, voucherify: Voucherify
) -> None:
    server = serve(sqlite_url, segment, voucherify, BRIDGE_WRITE_KEYS=WRITE_KEY, SEGMENT_WEBHOOK_SECRET=SHARED)
    schema = schemathesis.openapi.from_url(f"{server.root}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    called: set[tuple[str, int]] = set()
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=operation.as_strategy())
        def call(case: Any) -> None:
            response = case.call(auth=Proof())
            called.add((case.path, response.status_code))
            case.validate_response(response, checks=CHECKS)

        call()
    accepted = {path for path, status in called if status < 300}
    assert {"/webhooks/voucherify", "/segmentio/test-authentication", "/v1/batch"} <= accepted
    assert {path for path, _ in called} == {operation.path for operation in operations}
