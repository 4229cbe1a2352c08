"""How gunicorn serves the bridge: ``gunicorn -c python:bridge.gunicorn_settings bridge.web.wsgi:app``.

gunicorn reads the names below: https://gunicorn.org/reference/settings/. Its own options and ``GUNICORN_CMD_ARGS``
override them. Nothing here imports the application, so that gunicorn loads new code when it gets SIGHUP.
"""

import os
from typing import Any

_port = os.environ.get("PORT")

bind = f"0.0.0.0:{_port}" if _port else "127.0.0.1:8000"
"""A platform that sets ``PORT`` connects from outside; elsewhere a proxy of this host terminates HTTPS."""

worker_class = "gthread"

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))

threads = 32
"""A request waits for the disk most of its time: one transaction stores the messages of all that wait."""

graceful_timeout = 30
"""Seconds that requests have to end. None takes longer than 10; an embedded worker finishes what it sends."""

keepalive = 75
"""Seconds that an idle connection stays open: longer than a proxy's pool of connections uses it (nginx: 60)."""


def post_fork(_server: Any, _worker: Any) -> None:
    """Prepare a web process for its threads, before it loads the application."""
    from bridge.web.turns import take_turns  # noqa: PLC0415 - loaded here, each web process has the newest code

    take_turns()
