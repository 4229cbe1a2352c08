"""Mask personal data in texts of others, pure.

Names of events and words of services are free text, and may hold what identifies a person. Here is what is known to be
harmless; the rest is hidden.
"""

import re
from collections.abc import Collection

HIDDEN = "•••"

_EMAIL = re.compile(r"[^\s\"'<>()]*(?:@|%40)[^\s\"'<>()]*", re.IGNORECASE)
_PHONE_NUMBER = re.compile(r"\+?\d(?:[\s\-()/.]?\d){6,}")

_SERVICES_WORDS = re.compile(r"([a-z]+ \d{3}: )(.*)", re.DOTALL)
"""A cause with a service's words behind the outcome and the status: see ``delivery/rules/causes.py``."""

_WORD = re.compile(r"[^\s,;:!?()\[\]{}\"'`/=]+")

_HARMLESS = re.compile(
    r"[a-z]+(?:-[a-z]+)*\.?"  # a word in lower case
    r"|[a-z]+(?:_[a-z]+)+\.?"  # a name in a program
    r"|\d{1,3}\.?"
    r"|\W+"
)

_KNOWN = frozenset(
    [
        "API",
        "Access",
        "Account",
        "An",
        "App",
        "Application",
        "Authentication",
        "Authorization",
        "Bad",
        "Batch",
        "Body",
        "Bulk",
        "Campaign",
        "Cannot",
        "Code",
        "Conflict",
        "Content",
        "Could",
        "Customer",
        "Customers",
        "Data",
        "Duplicate",
        "Duplicated",
        "Entity",
        "Error",
        "Event",
        "Events",
        "Exceeded",
        "Failed",
        "Field",
        "Forbidden",
        "Gateway",
        "HTML",
        "HTTP",
        "HTTPS",
        "ID",
        "Id",
        "In",
        "Incorrect",
        "Internal",
        "Invalid",
        "Is",
        "It",
        "JSON",
        "Key",
        "Length",
        "Limit",
        "Locked",
        "Loyalty",
        "Metadata",
        "Method",
        "Missing",
        "Must",
        "No",
        "Not",
        "Object",
        "Order",
        "Params",
        "Parameters",
        "Payload",
        "Payment",
        "Permission",
        "Plan",
        "Please",
        "Property",
        "Provided",
        "Quota",
        "Rate",
        "Reached",
        "Referral",
        "Request",
        "Required",
        "Requests",
        "Resource",
        "Schema",
        "Segment",
        "Server",
        "Service",
        "Source",
        "Status",
        "TLS",
        "Temporarily",
        "The",
        "This",
        "Timeout",
        "Token",
        "Too",
        "Type",
        "URL",
        "UTF-8",
        "Unable",
        "Unauthorized",
        "Unavailable",
        "Unexpected",
        "Unknown",
        "Unprocessable",
        "Unsupported",
        "Value",
        "Voucher",
        "Voucherify",
        "Write",
        "Wrong",
        "You",
        "Your",
    ]
)
"""Words of services' explanations that begin with a capital and are no names of people."""


def scrub(text: str, secrets: Collection[str] = ()) -> str:
    """Hide ``secrets``, email addresses and phone numbers in a text."""
    if secrets:
        longest_first = sorted(secrets, key=len, reverse=True)
        text = re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", HIDDEN, text)
    return _PHONE_NUMBER.sub(HIDDEN, _EMAIL.sub(HIDDEN, text))


def mask_reason(reason: str, secrets: Collection[str] = ()) -> str:
    """Hide what may identify a person in the reason of a status.

    A reason of the bridge has its own words. Of a service's words, those are shown that are known to be harmless.
    """
    said = _SERVICES_WORDS.fullmatch(reason)
    return said[1] + mask_words(said[2], secrets) if said else scrub(reason, secrets)


def mask_words(text: str, secrets: Collection[str] = ()) -> str:
    """Hide ``secrets`` in a service's words, and every word that is not known to be harmless."""
    return _WORD.sub(_mask_word, scrub(text, secrets))


def findable(reason: str) -> str:
    """Return the longest part of a masked reason that the unmasked one holds.

    As ``Filter.error``, it finds the events without naming a person.
    """
    return max((part.strip() for part in mask_reason(reason).split(HIDDEN)), key=len)


def _mask_word(match: re.Match[str]) -> str:
    word = match[0]
    is_harmless = word.rstrip(".") in _KNOWN or _HARMLESS.fullmatch(word)
    return word if is_harmless else HIDDEN
