"""Addresses of services, and names of hosts, as settings."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit, urlunsplit

from marshmallow import ValidationError, validate

_WEB = validate.URL(schemes={"http", "https"}, require_tld=False, error="must be an address like https://example.com")

_API_PATH = re.compile(r"(/+v1(/+batch)?)?/*$", re.IGNORECASE)
"""End of an address that the bridge adds to each call by itself."""

_HOST = re.compile(r"\.?[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
"""A host's name, as browsers send it. A dot before a name stands for all names that end in it."""


def check(text: str) -> None:
    """Check the address of a service.

    Raises:
        ValidationError: it is none, or contains what the bridge must not send.
    """
    parts = _parts(text)
    _WEB(parts.geturl() if parts else "")
    if parts and parts.username is not None:
        raise ValidationError("must not contain a user or a password: requests carry the keys of the other settings")
    if parts and (parts.query or parts.fragment):
        raise ValidationError("must not contain a query (?) or a fragment (#): only a host and perhaps a path")


def plain(text: str) -> str:
    """Return an address without what the bridge adds to it: ``/v1`` and slashes. "" if it is none."""
    parts = _parts(text)
    return urlunsplit(parts._replace(path=_API_PATH.sub("", parts.path))) if parts else ""


def api(url: str) -> str:
    """Return the API's address for one that is meant for Segment's destination.

    us1.segmentio. becomes us1.api.
    """
    parts = urlsplit(url)
    labels = ["api" if label == "segmentio" else label for label in parts.netloc.split(".")]
    return urlunsplit(parts._replace(netloc=".".join(labels)))


def check_hosts(names: Sequence[str]) -> None:
    """Check names of hosts.

    Raises:
        ValidationError: one of them is none.
    """
    if not all(map(_HOST.fullmatch, names)):
        raise ValidationError(
            "must be hosts in lower case, without scheme and port, comma-separated: bridge.example.com,.internal"
        )


def _parts(text: str) -> SplitResult | None:
    """Split an address; None if it cannot be an address."""
    try:
        parts = urlsplit(text.strip())
        _ = parts.port  # or ValueError
    except ValueError:
        return None
    return parts._replace(netloc=parts.netloc.lower()) if parts.username is None else parts
