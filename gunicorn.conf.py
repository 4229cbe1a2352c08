"""What ``gunicorn wsgi:app`` reads in a checkout: the settings that the bridge is shipped with."""

from bridge.gunicorn_settings import *  # noqa: F403 - gunicorn reads all of them
