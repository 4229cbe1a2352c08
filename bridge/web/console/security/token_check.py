"""Check the admin token, and slow down guesses."""

import hmac
import time
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

import structlog

from bridge.delivery.database.engine import Database
from bridge.logs import Sparing
from bridge.operations import sign_ins

_log = structlog.get_logger("bridge.console")


class TokenCheck:
    """Compares tokens in constant time, and limits wrong tokens per address."""

    def __init__(self, token: str, database: Database) -> None:
        self._token = token.encode()
        self._database = database
        self._warnings = Sparing()

    def accepts(self, token: str, address: str) -> bool:
        """Return whether the token is right, and count a wrong one."""
        if hmac.compare_digest(token.strip().encode(), self._token):
            return True
        with self._database.writing() as connection:
            sign_ins.failed(connection, self._source(address), time.time())
        if times := self._warnings.admits("refused"):
            _log.warning("console sign-in refused", times=times)
        return False

    def wait_seconds(self, address: str) -> float:
        """Return the seconds until another token of ``address`` is checked."""
        with self._database.reading() as connection:
            return sign_ins.wait(connection, self._source(address), time.time())

    def _source(self, address: str) -> str:
        """Return a keyed digest of an address, which is personal data."""
        return hmac.digest(self._token, _network(address).encode(), sha256).hex()[:32]


def _network(address: str) -> str:
    """Return an IPv6 address's /64 network, because one host can have all of it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address
