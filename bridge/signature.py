"""Signature of Voucherify's webhooks, pure and in constant time.

Source: Voucherify's documentation of webhooks and its sample verifiers: the header ``x-voucherify-signature`` holds the
lower-case hex HMAC-SHA256 of the body. The sender signs the compact JSON text. Its samples verify a body after removing
white space outside strings. So that is the second and last try after the raw bytes.
"""

import hmac
import re
from collections.abc import Sequence

from bridge.errors import SignatureError

HEADER = "X-Voucherify-Signature"

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
# The closing quote is optional and the quantifiers are possessive: every string matches where it begins, ended or
# not, so a hostile body costs one pass over it.
_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]++|\\.)*+"?)|[ \t\r\n]++', re.DOTALL)


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
    signed = _signed(body, signature, secrets) or _signed(compact(body), signature, secrets)
    if not signed:
        raise SignatureError("the signature does not match")
    return signed[0]


def sign(body: bytes, secret: str) -> str:
    """Return the header's value for ``body``, as Voucherify computes it."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def compact(body: bytes) -> bytes:
    """Return ``body`` without the white space outside its JSON strings.

    The bytes need not be valid JSON.
    """
    return _STRING_OR_SPACE.sub(rb"\1", body)


def _signed(body: bytes, signature: str, secrets: Sequence[str]) -> list[str]:
    # Every secret is tried, so the duration does not depend on the one that matches.
    return [secret for secret in secrets if hmac.compare_digest(sign(body, secret), signature)]
