"""``bridge worker``: translate and deliver, in a process of its own."""

import signal
import threading

import click

from bridge import logs
from bridge.bootstrap import build
from bridge.gunicorn_settings import tune_threads
from bridge.settings import Settings


@click.command(short_help="Translate and deliver, in a process of its own.")
def worker() -> None:
    """Translate and deliver what is stored, until SIGTERM or Ctrl-C; what is in hand then is finished, or handed back.

    `bridge serve` runs one. For more, set BRIDGE_WORKER=external and run any number, on any number of machines if the
    database is PostgreSQL.
    """
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    tune_threads()
    bridge = build(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    bridge.crew.start()
    stop.wait()
    bridge.close()
