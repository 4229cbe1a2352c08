"""Segment's side of the other direction: the calls of its Voucherify (Actions) destination, as it makes them."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from tests.acceptance.process import APP_ID, FAMILY_NAME, PHONE, SECRET_KEY
from tests.acceptance.server import WAIT
from tests.acceptance.waiting import PATIENCE, until

Call = tuple[str, dict[str, Any]]
"""The last part of a path, and a body."""


def identify(user: str, **traits: Any) -> Call:
    """Upsert Customer: what has no trait is null or not there at all, and an address is."""
    body: dict[str, Any] = {
        "source_id": user,
        "first_name": f"Anna {user}",
        "last_name": FAMILY_NAME,
        "description": None,
        "email": f"{user}@example.com",
        "phone": PHONE,
        "address": {},
        "type": "identify",
    }
    return "customer-processing", {**body, **traits}


def track(user: str, event: str = "Order Completed", **more: Any) -> Call:
    """Add Custom Event: with a referral and a loyalty card, though there are none."""
    customer = {"source_id": user, "email": f"{user}@example.com"}
    return "event-processing", {
        "customer": customer,
        "referral": {},
        "loyalty": {},
        "metadata": {},
        "event": event,
        "type": "track",
        **more,
    }


def group(user: str, group_id: str = "g-9", **traits: Any) -> Call:
    """Assign Customer To Group."""
    customer = {"source_id": user, "email": f"{user}@example.com"}
    return "group-processing", {"customer": customer, "group_id": group_id, "traits": traits, "type": "group"}


def users(count: int, prefix: str = "user") -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


@dataclass(frozen=True, slots=True)
class Destination:
    """Segment's destination.

    Attributes:
        custom_url: the setting *Custom Voucherify URL*: the bridge's address.
        app_id, secret_key: the settings *Application ID* and *Secret Key*.
    """

    custom_url: str
    app_id: str = APP_ID
    secret_key: str = SECRET_KEY

    def test(self) -> requests.Response:
        """Somebody presses *Test*."""
        return self.request("GET", "test-authentication", b"")

    def post(self, call: Call, **headers: str) -> requests.Response:
        name, body = call
        told = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        return self.request("POST", name, told, **headers)

    def request(self, method: str, name: str, body: bytes, **headers: str) -> requests.Response:
        """On a connection of its own. A redirect would be followed as a GET without a body: here it is only seen."""
        given = {**self.headers(), **({"content-type": "application/json"} if body else {}), **headers}
        url = f"{self.custom_url}/segmentio/{name}"
        return requests.request(method, url, data=body, headers=given, timeout=PATIENCE, allow_redirects=False)

    def headers(self) -> dict[str, str]:
        return {
            "authorization": f"Basic {_base64(self.app_id)}",
            "secret-key": _base64(self.secret_key),
            "user-agent": "Segment (Actions)",
            "connection": "close",
            "accept-encoding": "gzip, deflate, br",
        }

    def accept(self, *calls: Call) -> list[str]:
        """Post them one after the other, expect that each is accepted, and return the ids."""
        ids = []
        for call in calls:
            answer = self.outcome(call)
            assert answer["status"] == "accepted", answer
            ids.append(answer["id"])
        return ids

    def outcome(self, call: Call) -> Mapping[str, Any]:
        """Post it, expect a 2xx, and wait for what becomes of it."""
        response = self.post(call, **WAIT)
        assert response.status_code == 200, response.text
        assert response.headers.get("Preference-Applied") == "wait", response.text
        answer: Mapping[str, Any] = response.json()
        return answer

    def store(self, *calls: Call) -> list[str]:
        """Post them one after the other, each after the answer to the last: they are stored under these ids."""
        ids = []
        for call in calls:
            response = self.post(call)
            assert response.status_code == 200, response.text
            assert response.json()["status"] == "stored", response.text
            ids.append(response.json()["id"])
        return ids

    def deliver(self, call: Call) -> None:
        """As Segment does: again, until there is a 2xx."""

        def taken() -> bool:
            try:
                return self.post(call).ok
            except requests.ConnectionError:
                return False

        until(taken, "a 2xx")


def _base64(key: str) -> str:
    return b64encode(key.encode()).decode()
