"""``bridge worker``: deliver, in a process of its own."""

import signal
import threading

import click

from bridge import logs
from bridge.bootstrap import build
from bridge.config import Settings


@click.command(short_help="Deliver, in a process of its own.")
def worker() -> None:
    """Deliver what is due, until SIGTERM or Ctrl-C; what is in hand then is finished.

    For BRIDGE_WORKER=external. Any number may run, on any number of machines if the database is PostgreSQL.
    """
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    bridge = build(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    bridge.crew.start()
    stop.wait()
    bridge.close()
