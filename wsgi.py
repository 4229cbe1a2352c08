"""What gunicorn loads in a checkout: ``gunicorn wsgi:app``."""

from bridge.web.wsgi import app

__all__ = ["app"]
