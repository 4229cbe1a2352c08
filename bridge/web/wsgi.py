"""Application for gunicorn: ``gunicorn bridge.web.wsgi:app``.

Settings come from the environment and ``.env``.
"""

import sys

from bridge.errors import ConfigError
from bridge.settings import in_words
from bridge.web import create_app

# With this exit code of a worker, gunicorn does not try again: wrong settings stay wrong.
WORKER_BOOT_ERROR = 3

try:
    app = create_app()
except ConfigError as error:
    sys.stderr.write(f"The bridge does not start: {in_words(error)}\n")
    raise SystemExit(WORKER_BOOT_ERROR) from None
