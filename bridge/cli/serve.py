"""``bridge serve``: the web server and the worker of one host."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click
import structlog

from bridge import logs
from bridge.cli.supervisor import Child, Program, Supervisor, Watch
from bridge.delivery.database.engine import Database
from bridge.errors import ConfigError
from bridge.host import Host
from bridge.settings import Settings

WRONG_SETTINGS = 3
"""Exit code for wrong settings, also of gunicorn and ``bridge worker``."""

WEB_FATAL = frozenset({2, WRONG_SETTINGS, 4})
"""Exit codes of gunicorn after which a restart is useless.

They mean wrong options, a web process that cannot start, and an application that cannot be imported.
"""

WEB_STOP_SECONDS = 60.0
"""Seconds from SIGTERM until gunicorn is killed.

It ends its own processes after ``--graceful-timeout``.
"""

HANG_SECONDS = 30.0
"""Seconds without progress after which a worker is killed."""

WORKER_STOP_SECONDS = 20.0
"""Seconds from SIGTERM until the worker is killed."""

_log = structlog.get_logger("bridge.serve")


@click.command(short_help="Run the bridge: the web server and the worker.")
@click.argument("gunicorn_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- GUNICORN_OPTIONS]")
@click.option("--hang-seconds", type=float, default=HANG_SECONDS, hidden=True)
@click.option("--stop-seconds", type=float, default=WORKER_STOP_SECONDS, hidden=True)
def serve(gunicorn_options: tuple[str, ...], hang_seconds: float, stop_seconds: float) -> None:
    """Run the bridge on this host: gunicorn and one worker.

    gunicorn runs with the bridge's settings. Options after -- are gunicorn's:
    bridge serve -- --bind 0.0.0.0:8000 --workers 4

    A process that ends is started again within a second, later if it ends repeatedly. A worker that makes no progress
    for 30 seconds is killed. SIGTERM and Ctrl-C end the web server, then the worker, which is killed after 20 seconds.
    SIGHUP reloads settings and code. No request is lost, and the old worker ends before the new one starts.

    Exit codes: 0 after SIGTERM or Ctrl-C; 2 if an option of this command or of gunicorn is wrong; 3 if settings are
    wrong (`bridge check` reports them); gunicorn's own code if it cannot start, for example because its port is in use.
    """
    with _environment_kept():
        settings = _usable_settings()
    logs.configure(settings.log_level)
    environment = {**os.environ, "BRIDGE_WORKER": "external"}
    gunicorn = (sys.executable, "-m", "gunicorn", "-c", "python:bridge.gunicorn_settings")
    web = Program(
        name="web",
        command=(*gunicorn, *gunicorn_options, "bridge.web.wsgi:app"),
        environment=environment,
        fatal=WEB_FATAL,
        must_start=True,
        stop_seconds=WEB_STOP_SECONDS,
    )
    worker = Program(
        name="worker",
        command=(sys.executable, "-m", "bridge.cli", "worker"),
        environment=environment,
        fatal=frozenset({WRONG_SETTINGS}),
        stop_seconds=stop_seconds,
    )
    watch = Watch(Host.of(settings.run_dir, settings.database_url).progress)
    sys.exit(Supervisor(Child(web), Child(worker), watch, hang_seconds, _may_reload).run())


def _usable_settings() -> Settings:
    """Read the settings, and create the database's folder.

    Raises:
        ConfigError: settings are wrong, or the database's file needs other permissions.
    """
    settings = Settings.from_env()
    with closing(Database(settings.database_url)) as database:
        database.prepare()
    return settings


def _may_reload() -> bool:
    """Return whether the settings are right; with wrong ones, gunicorn would end."""
    try:
        with _environment_kept():
            _usable_settings()
    except ConfigError as error:
        _log.error("not reloaded, settings are wrong", problems=error.problems)
        return False
    return True


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Restore the variables after the block.

    Reading ``.env`` sets variables, and a later start must read the file again.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
