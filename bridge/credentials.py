"""Credentials of raw events, pure and in constant time.

They are write keys, and the signatures and secrets of Segment's webhooks.

Sources: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ (Basic auth: the write key and
no password); https://segment.com/docs/connections/destinations/catalog/actions-webhook/ (``X-Signature``: the
lower-case hex HMAC-SHA1 of the JSON; Segment's published code signs only the first event of an array).
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Basic(NamedTuple):
    """User and password of ``Authorization: Basic …``."""

    user: str
    password: str


def basic(authorization: str | None) -> Basic | None:
    """Parse a header's value; None if it is not readable Basic auth."""
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Basic(user, password)


def known(candidates: Iterable[str | None], valid: Sequence[str]) -> str | None:
    """Return the first of ``valid`` that is among the given keys.

    All are compared, so the duration does not depend on the key.
    """
    pairs = [(one or "", right) for one in candidates for right in valid]
    return next(iter([right for one, right in pairs if hmac.compare_digest(one.encode(), right.encode())]), None)


def signed(body: bytes, signature: str | None, secrets: Sequence[str]) -> str | None:
    """Return the one of ``secrets`` that makes ``signature`` of ``body``."""
    valid = known([signature], [sign(body, secret) for secret in secrets])
    return next((secret for secret in secrets if sign(body, secret) == valid), None)


def sign(body: bytes, secret: str) -> str:
    """Return ``X-Signature`` of ``body``, as Segment computes it."""
    return hmac.digest(secret.encode(), body, "sha1").hex()
