"""Whether the bridge is well, for whoever restarts it or sends it traffic."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify


def blueprint(problems: Callable[[], Mapping[str, str | None]]) -> Blueprint:
    """``GET /healthz``: 200 if this process answers at all. ``GET /readyz``: 200 if it can do its work; else 503, and
    which check fails. Neither asks the database: what it answers was found out within the last few seconds.
    """
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @pages.get("/readyz")
    def readyz() -> tuple[Response, int]:
        found = problems()
        checks = {name: {"ok": reason is None, "reason": reason} for name, reason in found.items()}
        ready = not any(found.values())
        return jsonify(status="ready" if ready else "unready", checks=checks), 200 if ready else 503

    return pages
