"""The console at ``/console``, a Flask application of its own.

So its sessions, CSRF protection, error pages and limits do not affect the front doors. Its pages are templates, work
without JavaScript, and load nothing from other hosts.
"""

from datetime import timedelta

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from bridge.bootstrap import Bridge
from bridge.directions import DIRECTIONS
from bridge.operations.sessions import LIFETIME_SECONDS
from bridge.prose import findable, mask_reason, scrub
from bridge.web.console import api, errors
from bridge.web.console.pages import audit, events, overview, replays
from bridge.web.console.security import session
from bridge.web.console.security.headers import protect
from bridge.web.console.security.input import clean
from bridge.web.console.security.token_check import TokenCheck
from bridge.web.console.view import wording

PATH = "/console"

FORM_BYTES = 65_536


def application(bridge: Bridge, token: str) -> Flask:
    """Make the console, to be mounted at ``PATH``. ``token`` is the admin token."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=session.key(token),
        SESSION_COOKIE_NAME="bridge_console",
        SESSION_COOKIE_PATH=PATH,
        # Not Strict, because a link in an alert must open the page. Changes are POSTs with a CSRF token.
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=LIFETIME_SECONDS),
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        # The check of the referrer needs the browser's host name, which a proxy may not forward.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = session.Sessions()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    clean(app, bridge.settings.trusted_hosts)
    csrf = CSRFProtect(app)
    token_check = TokenCheck(token, bridge.database)
    for blueprint in (
        session.blueprint(token_check, bridge.desk),
        overview.blueprint(bridge.database, bridge.settings, bridge.desk),
        events.blueprint(bridge.database, bridge.desk),
        replays.blueprint(bridge.database, bridge.desk),
        audit.blueprint(bridge.database),
    ):
        app.register_blueprint(blueprint)
    calls = api.blueprint(token_check, bridge)
    csrf.exempt(calls)  # its token is in a header, which other sites cannot send
    app.register_blueprint(calls)
    errors.register(app)
    _add_texts(app)
    protect(app)
    return app


def _add_texts(app: Flask) -> None:
    """Add the console's texts and formats to the templates."""
    app.jinja_env.filters.update(when=wording.when, iso=wording.iso, duration=wording.duration, count=wording.count)
    app.jinja_env.filters.update(label=wording.label, service=wording.service)
    app.jinja_env.filters.update(masked=mask_reason, scrubbed=scrub, findable=findable)
    app.jinja_env.globals.update(
        DIRECTIONS=DIRECTIONS,
        STATUS_TEXTS=wording.STATUS_TEXTS,
        OUTCOME_TEXTS=wording.OUTCOME_TEXTS,
        STATE_TONES=wording.STATE_TONES,
        REASON_TEXTS=wording.REASON_TEXTS,
    )
