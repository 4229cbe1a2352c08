"""Signature of Voucherify's webhooks, pure and in constant time.

Source: Voucherify's documentation of webhooks and its sample verifiers: the header ``x-voucherify-signature`` holds the
lower-case hex HMAC-SHA256 of the body. The sender signs the compact JSON text. Its samples verify a body after removing
white space outside strings. So that is the second and last try after the raw bytes.
"""

import hmac
import re
from collections.abc import Sequence

import msgspec

from bridge.errors import SignatureError

HEADER = "X-Voucherify-Signature"

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SPACES = (b" ", b"\n", b"\t", b"\r")


def verify(body: bytes, signature: str | None, secrets: Sequence[str]) -> str:
    """Return the one of ``secrets`` that makes ``signature`` of ``body``.

    Several are valid during a rotation.

    Raises:
        SignatureError: no signature, not 64 lower-case hex digits, or made with another secret.
    """
    if not signature:
        raise SignatureError(f"the header {HEADER} is missing")
    if not _HEX.fullmatch(signature):
        raise SignatureError(f"the header {HEADER} is not 64 lower-case hex digits")
    signed = _signed(body, signature, secrets)
    if not signed and (spaceless := compact(body)) != body:
        signed = _signed(spaceless, signature, secrets)
    if not signed:
        raise SignatureError("the signature does not match")
    return signed[0]


def sign(body: bytes, secret: str) -> str:
    """Return the header's value for ``body``, as Voucherify computes it."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def compact(body: bytes) -> bytes:
    """Return JSON without the white space outside its strings.

    Bytes that are not JSON are returned as they are. Anybody may post them, so the cost is that of two more signatures,
    up to five for JSON that consists of tokens alone.
    """
    if not any(map(body.__contains__, _SPACES)):
        return body
    try:
        return msgspec.json.format(body, indent=-1)
    except (ValueError, RecursionError):
        return body


def _signed(body: bytes, signature: str, secrets: Sequence[str]) -> list[str]:
    # Every secret is tried, so the duration does not depend on the one that matches.
    return [secret for secret in secrets if hmac.compare_digest(sign(body, secret), signature)]
