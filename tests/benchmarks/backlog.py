"""Fill a database with webhooks that wait: for translation, or translated for delivery."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from bridge import logs
from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import Inbox
from bridge.delivery.process.duty import Duty
from bridge.doors import VOUCHERIFY
from bridge.host import Host
from bridge.intake import Receiver
from bridge.messages import WEBHOOKS
from bridge.translation import Rules, Translator
from tests.benchmarks import redemption

REQUESTS = 64
"""At once: so many share a commit."""


def fill(database_url: str, first: int, count: int, *, translated: bool) -> None:
    """Store ``count`` webhooks by the steps of a request, but for HTTP; then translate them, if asked for."""
    logs.configure("warning")
    host = Host.of(None, database_url)
    with closing(Database(database_url)) as database:
        receiver = Receiver(Inbox(database, host), time.time)

        def store(number: int) -> None:
            receiver.store(VOUCHERIFY, redemption.body(number), redemption.SECRET, "")

        with ThreadPoolExecutor(REQUESTS) as requests:
            for _ in requests.map(store, range(first, first + count)):
                pass
        if translated:
            with _on_duty(host) as duty:
                # Without workers, no delivery is born sending: all wait.
                translator = Translator(database, WEBHOOKS, duty, Rules(tuple, {}), {})
                while translator.step():
                    pass


@contextmanager
def _on_duty(host: Host) -> Iterator[Duty]:
    duty = Duty(host)
    duty.begin()
    try:
        yield duty
    finally:
        duty.end()
