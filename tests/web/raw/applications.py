"""Doors of raw events, in one process, on a real database.

Nothing is translated or delivered by itself.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from bridge.credentials import sign
from bridge.settings import Settings, ToVoucherify
from bridge.web import create_app
from bridge.write_keys import WriteKey

KEY, SECRET = "write-key-1", "the-shared-secret"
LIMIT = 1_048_576
TRACK = {"userId": "anna-1", "event": "Order Completed", "messageId": "m-1"}

Make = Callable[..., Flask]


def basic(user: str, password: str = "") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def encode(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def signed(value: Any, secret: str = SECRET) -> dict[str, str]:
    return {"X-Signature": sign(encode(value), secret)}


@contextmanager
def applications(database_url: str) -> Iterator[Make]:
    """Return a function that makes the application.

    Its arguments change the settings of the direction.
    """
    made: list[Flask] = []

    def make(max_body_bytes: int = LIMIT, mappings: Path | None = None, **changes: Any) -> Flask:
        keys = (WriteKey(KEY), WriteKey("write-key-2"))
        doors = {"write_keys": keys, "event_secrets": (SECRET, "the-next-one"), **changes}
        settings = Settings(
            to_segment=None,
            to_voucherify=ToVoucherify("app-id", "secret-key", None, mappings=mappings, **doors),
            voucherify_url="http://127.0.0.1:9",
            database_url=changes.pop("database_url", database_url),
            embedded_worker=False,
            max_body_bytes=max_body_bytes,
            max_age=86_400.0,
        )
        made.append(create_app(settings))
        return made[-1]

    yield make
    for one in made:
        one.extensions["bridge"].close()


def refused(response: TestResponse, status: int, code: str) -> dict[str, str]:
    """Check the status and form of an error, and return the fields it names."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.json is not None
    assert response.json["error"]["code"] == code
    for secret in (KEY, SECRET, "Traceback", "anna-1"):
        assert secret not in response.get_data(as_text=True)
    fields: dict[str, str] = response.json["error"]["fields"]
    return fields
