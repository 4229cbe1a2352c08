"""Sign operators in and out.

The cookie holds a random id, and the database the session. So every process knows it, and it ends at sign-out. The
cookie is signed with a key of the token: a new token ends all sessions.
"""

import hashlib
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, g, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response

from bridge.operations.desk import Desk
from bridge.web.client import client_address
from bridge.web.console.security.token_check import TokenCheck

LONGEST_NAME = 60

_OPEN = ("session.sign_in",)
"""The endpoints without a session. API calls have the token instead."""


def key(token: str) -> bytes:
    """Derive the key that signs sessions from the token.

    The derivation is slow, so that a signature does not help to guess the token.
    """
    return hashlib.scrypt(token.encode(), salt=b"bridge console session", n=2**14, r=8, p=1, dklen=32)


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, with a cookie that is Secure if the request used HTTPS.

    gunicorn reads that from ``X-Forwarded-Proto`` of the addresses in ``--forwarded-allow-ips``.
    """

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        """Return whether this request used HTTPS."""
        return request.is_secure


def blueprint(token_check: TokenCheck, desk: Desk) -> Blueprint:
    """Make the blueprint that signs in and out.

    It also requires a session for every other page.
    """
    pages = Blueprint("session", __name__)

    @pages.before_app_request
    def demand_session() -> Response | None:
        g.who = None
        if request.endpoint == "static":
            return None
        if (session_id := session.get("id")) and (name := desk.signed_in(session_id)):
            g.name, g.who = name, f"console: {name}"
        elif request.endpoint not in _OPEN and not request.path.startswith("/api/"):
            target = request.full_path.rstrip("?") if request.method == "GET" else "/"
            return redirect(url_for("session.sign_in", next=target))
        return None

    @pages.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> Response | str | tuple[str, int, dict[str, str]]:
        if request.method == "GET":
            return redirect(_within_console(request)) if g.who else _form()
        try:
            is_right = token_check.accepts(request.form.get("token", ""), client_address(request.environ))
        except TooManyRequests as error:
            return _form(error.description or ""), 429, {"Retry-After": str(error.retry_after)}
        if not is_right:
            return _form("The token is wrong. Enter the value of BRIDGE_ADMIN_TOKEN."), 401, {}
        name = " ".join(request.form.get("name", "").split())[:LONGEST_NAME] or "nameless"
        session.clear()
        session.permanent = True
        session["id"] = desk.sign_in(name, f"console: {name}")
        return redirect(_within_console(request))

    @pages.post("/sign-out")
    def sign_out() -> Response:
        desk.sign_out(session["id"], g.who)
        session.clear()
        return redirect(url_for("session.sign_in"))

    return pages


def _form(problem: str = "") -> str:
    return render_template("sign_in.html", problem=problem, next=request.args.get("next", ""))


def _within_console(sign_in: Request) -> str:
    """Return the page to open after sign-in: always a path of the console."""
    try:
        target = urlsplit(sign_in.args.get("next", "").replace("\\", "/"))
    except ValueError:
        target = urlsplit("/")
    path = "/" + target.path.lstrip("/")
    return sign_in.script_root + path + (f"?{target.query}" if target.query else "")
