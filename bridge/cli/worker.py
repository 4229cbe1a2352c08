"""``bridge worker``: translate and deliver, in a process of its own."""

import signal
from threading import Event

import click

from bridge import logs
from bridge.bootstrap import build
from bridge.gunicorn_settings import tune_threads
from bridge.settings import Settings

LOOK_SECONDS = 1.0
"""Seconds between two looks whether a signal has come."""


@click.command(short_help="Translate and deliver, in a process of its own.")
def worker() -> None:
    """Translate and deliver, in a process of its own.

    It ends at SIGTERM or Ctrl-C. Then it begins no further call, and ends when the calls in progress have ended. Unsent
    deliveries wait for another worker.

    `bridge serve` runs one worker. For more, set BRIDGE_WORKER=external and run any number. With PostgreSQL they may
    run on any number of machines.
    """
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    tune_threads()
    bridge = build(settings)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    bridge.crew.start()
    # A signal that comes while this thread waits for the interpreter does not wake it.
    while not stop.wait(LOOK_SECONDS):
        pass
    bridge.close()
