"""HTTP client of services: a total deadline, a bounded response, no redirects."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from bridge.deadline import POOLS, limited

LONGEST_ANSWER = 64 * 1024
"""Bytes of a response that are read, unless an adapter says otherwise."""


KEY_HEADERS = ("Authorization", "X-App-Id", "X-App-Token", "X-Management-Id", "X-Management-Token")
"""Headers with keys of the bridge. No response is stored with their values."""

SHORTEST_KEY = 6
"""Characters of the shortest key that is redacted. A shorter one is part of many words."""

REDACTED = b"(redacted)"


class BoundedAdapter(HTTPAdapter):
    """Adapter for sessions of ``requests`` with a total deadline.

    The ``timeout`` of ``requests`` starts again with every byte and every address, and a resolver has none. So a slow
    service could hold a worker without end. This adapter cuts the call when it has taken ``deadline`` seconds. After
    that it can neither connect nor send.

    A redirect loses its ``Location``: personal data goes only to the address of the settings.

    Args:
        deadline: seconds that a call may take, from the resolution of the name to its last byte.
        longest: bytes of a response that are read; the call does not wait for the rest.
    """

    def __init__(self, deadline: float, longest: int = LONGEST_ANSWER) -> None:
        self._deadline = deadline
        self._longest = longest
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use connections that can be cut."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Use connections that can be cut, through a proxy too."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request, and read the response.

        Raises:
            requests.Timeout: the deadline has passed.
            requests.RequestException: as in ``requests``.
        """
        with limited(self._deadline) as call:
            try:
                response = super().send(request, *args, **kwargs)
                response.raw = _without_keys(_read(response, self._longest), request)
            except (requests.RequestException, OSError) as error:
                if call.is_cut and not isinstance(error, requests.ConnectTimeout):
                    raise requests.Timeout("the answer took too long", request=request) from error
                raise
            if call.is_cut:
                raise requests.Timeout("the answer took too long", request=request)
        response.headers.pop("Location", None)
        return response


def retry_after(response: requests.Response | None, now: float | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait, or None.

    The header has a number of seconds, or an HTTP date.
    """
    value = response.headers.get("Retry-After", "") if response is not None else ""
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    at = _http_date(value)
    return None if response is None or at is None else max(0.0, at - service_time(response, now))


def service_time(response: requests.Response, now: float | None = None) -> float:
    """Return the service's own time in epoch seconds.

    Times that it names are on its clock.

    Args:
        now: the bridge's time, used if the response has no ``Date``.
    """
    at = _http_date(response.headers.get("Date", ""))
    if at is not None:
        return at
    return time.time() if now is None else now


def _http_date(text: str) -> float | None:
    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def said_in(text: str) -> Mapping[str, Any]:
    """Return the JSON object in a response; an empty one if there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_html(response: requests.Response, text: str) -> bool:
    """Return whether a response is an HTML page.

    It may be a login page, a proxy's, or another service's. A plain ``OK`` is no page, whatever its type.
    """
    is_called_so = "html" in response.headers.get("Content-Type", "").lower()
    return text.lstrip("\ufeff \t\r\n").startswith("<") or (is_called_so and "<" in text)


def carries_error(said: Mapping[str, Any]) -> bool:
    """Return whether a JSON object reports an error, whatever the status is."""
    code = said.get("code", said.get("statusCode"))
    is_failure = str(code).isdigit() and int(code) >= HTTPStatus.BAD_REQUEST
    # The code of Segment's errors is a word.
    is_named = isinstance(code, str) and "message" in said and not code.isdigit() and code.lower() not in _FINE
    return (
        said.get("success") is False
        or bool(said.get("error") or said.get("errors"))
        or said.get("status") == "error"
        or is_failure
        or is_named
    )


_FINE = ("ok", "success")


def _read(response: requests.Response, longest: int) -> BytesIO:
    try:
        answer = response.raw.read(longest + 1, decode_content=True)
    except HTTPError as error:
        raise requests.ConnectionError(type(error).__name__) from error
    # The connection can be used again only if the response was read to its end.
    if len(answer) > longest:
        response.raw.close()
    else:
        response.raw.release_conn()
    return BytesIO(answer[:longest])


def _without_keys(answer: BytesIO, request: requests.PreparedRequest) -> BytesIO:
    """Replace what a service echoes of the request's keys, since responses are stored and shown."""
    keys = {one.encode() for one in _keys(request.headers) if len(one) >= SHORTEST_KEY}
    content = answer.getvalue()
    for key in sorted(keys, key=len, reverse=True):
        content = content.replace(key, REDACTED)
    return BytesIO(content)


def _keys(headers: Mapping[str, str | bytes]) -> Iterator[str]:
    """Yield the keys in the headers, as they are sent and as they are meant."""
    for name in KEY_HEADERS:
        value = headers.get(name, "")
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        _, _, token = text.partition(" ")
        yield from (text, token)
        with suppress(ValueError):  # no Basic auth
            yield from b64decode(token, validate=True).decode().split(":")
