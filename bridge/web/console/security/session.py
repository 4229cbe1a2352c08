"""Signing in and out. A session is a signed cookie: every process knows it, and a new token ends them all."""

import hashlib
import time
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, g, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response

from bridge.operations.desk import Desk
from bridge.web.console.security.door import Door

LIFETIME = 12 * 3600.0
"""Seconds from signing in until one has to do it again."""

LONGEST_NAME = 60

_OPEN = ("session.sign_in", "static")
"""What needs no session; nor do calls of scripts, which have the token with them."""


def key(token: str) -> bytes:
    """What sessions are signed with. Slow to derive: who has seen a signature must not find the token by trying."""
    return hashlib.scrypt(token.encode(), salt=b"bridge console session", n=2**14, r=8, p=1, dklen=32)


class Sessions(SecureCookieSessionInterface):
    """Flask's, with a cookie that is Secure whenever the browser came by HTTPS.

    gunicorn knows that from ``X-Forwarded-Proto``, which it believes of the addresses in ``--forwarded-allow-ips``.
    """

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        """For this very request."""
        return request.is_secure


def blueprint(door: Door, desk: Desk) -> Blueprint:
    """Everything else of the console asks for a session first."""
    pages = Blueprint("session", __name__)

    @pages.before_app_request
    def demand_session() -> Response | None:
        g.who = None
        if time.time() - session.get("since", 0.0) < LIFETIME:
            g.who = f"console: {session['name']}"
        elif request.endpoint not in _OPEN and not request.path.startswith("/api/"):
            wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
            return redirect(url_for("session.sign_in", next=wanted))
        return None

    @pages.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> Response | str | tuple[str, int, dict[str, str]]:
        if request.method == "GET":
            return redirect(_within_console(request)) if g.who else _form()
        address = request.remote_addr or ""
        if (wait := door.wait(address)) > 0:
            answer = _form("Too many wrong tokens. Try again in a minute.")
            return answer, 429, {"Retry-After": str(round(wait) + 1)}
        if not door.opens(request.form.get("token", ""), address):
            return _form("That is not the token."), 401, {}
        name = " ".join(request.form.get("name", "").split())[:LONGEST_NAME] or "nameless"
        desk.sign_in(f"console: {name}")
        session.clear()
        session.permanent = True
        session.update(name=name, since=time.time())
        return redirect(_within_console(request))

    @pages.post("/sign-out")
    def sign_out() -> Response:
        session.clear()
        return redirect(url_for("session.sign_in"))

    return pages


def _form(problem: str = "") -> str:
    return render_template("sign_in.html", problem=problem, next=request.args.get("next", ""))


def _within_console(asked: Request) -> str:
    """Where somebody wanted to go, as a path of the console: never another host."""
    wanted = urlsplit(asked.args.get("next", "").replace("\\", "/"))
    path = "/" + wanted.path.lstrip("/")
    return asked.script_root + path + (f"?{wanted.query}" if wanted.query else "")
