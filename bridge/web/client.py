"""Find the address of a client, also behind a proxy."""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

VARIABLE, DEFAULT = "FORWARDED_ALLOW_IPS", "127.0.0.1,::1"
"""gunicorn's variable that names trusted proxies, and its default.

Source: https://gunicorn.org/reference/settings/#forwarded_allow_ips
"""


def client_address(environ: Mapping[str, Any]) -> str:
    """Return the address that the nearest trusted proxy names, or the peer's.

    Every proxy appends the address that it sees. So the last one that is no trusted proxy's is the client's, whatever
    the client has written before it.
    """
    trusted = os.environ.get(VARIABLE, DEFAULT).split(",")
    address: str = environ.get("REMOTE_ADDR") or ""
    forwarded = [one.strip() for one in str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    for before in reversed(list(filter(None, forwarded))):
        if address and not _is_trusted(address, trusted):  # a Unix socket has no address
            break
        address = before
    return address


def _is_trusted(address: str, trusted: list[str]) -> bool:
    return any(_matches(address, one.strip()) for one in trusted)


def _matches(address: str, proxies: str) -> bool:
    if proxies in ("*", address):
        return True
    try:
        return ip_address(address) in ip_network(proxies, strict=False)
    except ValueError:
        return False
