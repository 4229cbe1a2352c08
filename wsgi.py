"""What gunicorn loads: ``gunicorn wsgi:app``. Settings come from the environment and ``.env``."""

from bridge.web import create_app

app = create_app()
