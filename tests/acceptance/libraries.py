"""Segment's own libraries, unchanged, pointed at the bridge."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segment.analytics.client import Client

from tests.acceptance import node as nodejs
from tests.acceptance.process import WRITE_KEY

PACKAGE = "@segment/analytics-node@3.1.0"
FOR_BROWSERS = "@segment/analytics-next@1.84.3"
Call = tuple[str, Mapping[str, Any]]
"""A method of the library, and the message, named as in JSON."""


def python(host: str, calls: Sequence[Call], *, gzip: bool = False) -> None:
    """With segment-analytics-python, in its own thread as by default."""
    errors: list[Any] = []
    client = Client(WRITE_KEY, host=host, gzip=gzip, max_retries=0, on_error=lambda *told: errors.append(told))
    for method, message in calls:
        getattr(client, method)(**{_ARGUMENTS.get(name, name): value for name, value in message.items()})
    client.flush()
    client.shutdown()
    assert not errors


def python_gzip(host: str, calls: Sequence[Call]) -> None:
    """The same, compressed."""
    python(host, calls, gzip=True)


def node(host: str, calls: Sequence[Call]) -> None:
    """With @segment/analytics-node."""
    nodejs.install(PACKAGE)
    script = Path(__file__).with_name("analytics.js")
    done = nodejs.run(script, nodejs.PACKAGES, host, WRITE_KEY, stdin=json.dumps(calls))
    assert done.returncode == 0, done.stderr


def browser_library() -> Path:
    """The script of analytics.js, as a site would serve it."""
    return nodejs.install(FOR_BROWSERS) / "dist/umd/index.js"


LIBRARIES = {"python": python, "python, compressed": python_gzip, "node": node}

_ARGUMENTS = {"userId": "user_id", "groupId": "group_id", "previousId": "previous_id", "messageId": "message_id"}
