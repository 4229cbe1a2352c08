"""The console at ``/console``: an application of its own beside the front doors.

So nothing of it touches them: sessions, CSRF protection, error pages and limits are the console's alone. It is made of
templates, works without JavaScript, and asks nothing of any other host.
"""

from datetime import timedelta

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from bridge.bootstrap import Bridge
from bridge.directions import DIRECTIONS
from bridge.web.console import api, errors
from bridge.web.console.pages import audit, events, overview, replays
from bridge.web.console.security import session
from bridge.web.console.security.door import Door
from bridge.web.console.security.headers import protect
from bridge.web.console.view import wording

PATH = "/console"

FORM_BYTES = 65_536


def application(bridge: Bridge, token: str) -> Flask:
    """The console, opened by ``token``; to be mounted at ``PATH``."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=session.key(token),
        SESSION_COOKIE_NAME="bridge_console",
        SESSION_COOKIE_PATH=PATH,
        # A link in an alert must lead in, so not Strict; what changes anything is a POST with a token of its own.
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=session.LIFETIME),
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        # Its check of the referrer needs the host that the browser sees, which a proxy may not pass on.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = session.Sessions()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    csrf = CSRFProtect(app)
    door = Door(token, bridge.database)
    for blueprint in (
        session.blueprint(door, bridge.desk),
        overview.blueprint(bridge.database, bridge.settings, bridge.desk),
        events.blueprint(bridge.database, bridge.desk),
        replays.blueprint(bridge.database, bridge.desk),
        audit.blueprint(bridge.database),
    ):
        app.register_blueprint(blueprint)
    calls = api.blueprint(door, bridge)
    csrf.exempt(calls)  # it is opened by a header, which no other site can send
    app.register_blueprint(calls)
    errors.register(app)
    _teach(app)
    protect(app)
    return app


def _teach(app: Flask) -> None:
    """Let templates use the console's words."""
    app.jinja_env.filters.update(when=wording.when, iso=wording.iso, duration=wording.duration, count=wording.count)
    app.jinja_env.filters.update(label=wording.label, service=wording.service)
    app.jinja_env.globals.update(
        DIRECTIONS=DIRECTIONS,
        STANDINGS=wording.STANDINGS,
        OUTCOMES=wording.OUTCOMES,
        STATES=wording.STATES,
        REASONS=wording.REASONS,
    )
