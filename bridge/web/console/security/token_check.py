"""Check the admin token, and slow down guesses."""

import hmac
import time
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

import structlog
from werkzeug.exceptions import TooManyRequests

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
        """Return whether the token is right.

        Raises:
            TooManyRequests: the address has sent too many wrong ones; this one is not compared.
        """
        source = self._source(address)
        # After a power cut, a guess may be forgotten. No page waits for the disk instead.
        with self._database.writing(hasty=True) as connection:
            wait = sign_ins.attempt(connection, source, time.time())
            is_right = not wait and hmac.compare_digest(token.strip().encode(), self._token)
            if is_right:
                sign_ins.take_back(connection, source)
        if wait:
            raise TooManyRequests("Too many wrong tokens. Try again in a minute.", retry_after=round(wait) + 1)
        if not is_right and (times := self._warnings.admits("refused")):
            _log.warning("console sign-in refused", times=times)
        return is_right

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
