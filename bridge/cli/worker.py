"""``bridge worker``: deliver, in a process of its own."""

import signal
import threading
from contextlib import closing

import click

from bridge import logs
from bridge.bootstrap import build
from bridge.config import Settings
from bridge.host import Host, Presence


@click.command(short_help="Deliver, in a process of its own.")
def worker() -> None:
    """Deliver what is due, until SIGTERM or Ctrl-C; what is in hand then is finished.

    `bridge serve` runs one. For more, set BRIDGE_WORKER=external and run any number, on any number of machines if the
    database is PostgreSQL.
    """
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    bridge = build(settings)
    stop, has_ended = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with closing(Host.of(settings.run_dir, settings.database_url).presence()) as presence:
        ticking = threading.Thread(target=_tick, args=(presence, has_ended), name="presence", daemon=True)
        ticking.start()
        bridge.crew.start()
        stop.wait()
        bridge.close()
        has_ended.set()
        ticking.join()


def _tick(presence: Presence, has_ended: threading.Event) -> None:
    """Say every second that this process runs; a single thread that hangs is not noticed."""
    while not has_ended.wait(1.0):
        presence.tick()
