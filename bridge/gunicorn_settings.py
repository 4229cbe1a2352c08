"""Settings of gunicorn: ``gunicorn -c python:bridge.gunicorn_settings …``.

The application is ``bridge.web.wsgi:app``. gunicorn reads the names below: https://gunicorn.org/reference/settings/.
Its own options and ``GUNICORN_CMD_ARGS`` override them. Nothing here imports the application, so gunicorn loads new
code at SIGHUP.
"""

import gc
import os
import sys
from contextlib import suppress
from typing import Any

_port = os.environ.get("PORT")

bind = f"0.0.0.0:{_port}" if _port else "127.0.0.1:8000"
"""Address to listen on.

A platform that sets ``PORT`` connects from outside. Elsewhere a proxy of this host terminates HTTPS.
"""

worker_class = "bridge.buffering.Worker"
"""gunicorn's threaded worker, which reads each request whole before a thread gets it.

Slow senders hold no thread. ``bridge/buffering`` has its deadlines.
"""

worker_connections = 1_000
"""Connections of a web process.

Beyond that, the connection that has waited longest for its peer is closed.
"""

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))

threads = 32
"""Threads of a web process.

A request waits for the disk most of its time: one transaction stores the messages of all that wait.
"""

graceful_timeout = 30
"""Seconds that requests have to end.

No request takes longer than 10. An embedded worker finishes its calls.
"""

keepalive = 75
"""Seconds that an idle connection stays open.

A proxy's pool of connections closes it earlier (nginx: 60).
"""


GARBAGE_COLLECTION = (10_000, 20, 50)
"""Thresholds of Python's garbage collection.

A request makes thousands of objects, which end with it. At Python's own threshold of 700 they are searched several
times. With the scheduling below: 17 % more requests, a p99 30 % shorter.
"""


def post_fork(_server: Any, _worker: Any) -> None:
    """Prepare a web process for its threads, before it loads the application."""
    tune_threads()


def tune_threads() -> None:
    """Set the scheduling of threads for dozens of them.

    It applies to this thread and those that it starts.
    """
    gc.set_threshold(*GARBAGE_COLLECTION)
    if sys.platform == "linux":
        # A woken thread does not interrupt the running one, since it could only wait for the interpreter.
        # Source: https://man7.org/linux/man-pages/man7/sched.7.html
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
