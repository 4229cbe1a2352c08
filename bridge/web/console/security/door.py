"""Who may come in: whoever presents the admin token, and not by trying."""

import hmac
import time
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

import structlog

from bridge.delivery.database.engine import Database
from bridge.logs import Sparing
from bridge.operations import sign_ins

_log = structlog.get_logger("bridge.console")


class Door:
    """Compares tokens in constant time, and slows down those that guess."""

    def __init__(self, token: str, database: Database) -> None:
        self._token = token.encode()
        self._database = database
        self._complaints = Sparing()

    def opens(self, given: str, address: str) -> bool:
        """Whether it is the token; a failure of ``address`` is counted."""
        if hmac.compare_digest(given.strip().encode(), self._token):
            return True
        with self._database.writing() as connection:
            sign_ins.failed(connection, self._source(address), time.time())
        if times := self._complaints.admits("refused"):
            _log.warning("console sign-in refused", times=times)
        return False

    def wait(self, address: str) -> float:
        """Seconds until a try of ``address`` is looked at."""
        with self._database.reading() as connection:
            return sign_ins.wait(connection, self._source(address), time.time())

    def _source(self, address: str) -> str:
        """The address is a person's, too, so a keyed digest stands for it."""
        return hmac.digest(self._token, _network(address).encode(), sha256).hex()[:32]


def _network(address: str) -> str:
    """Who has one IPv6 address has a whole /64 of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address
