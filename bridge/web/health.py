"""Health of the bridge, for supervisors and load balancers."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify

from bridge.operations.monitoring.health import NEEDED_TO_STORE


def blueprint(problems: Callable[[], Mapping[str, str | None]]) -> Blueprint:
    """Serve ``/healthz`` and ``/readyz``.

    ``/healthz`` is 200 if this process answers. ``/readyz`` is 503 only if it cannot store. If it can, and something
    else is wrong, the status is ``degraded``: a load balancer must not drop a host that accepts. Neither queries the
    database: their values are some seconds old.
    """
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @pages.get("/readyz")
    def readyz() -> tuple[Response, int]:
        reasons = problems()
        checks = {name: {"ok": reason is None, "reason": reason} for name, reason in reasons.items()}
        if any(reasons.get(name) for name in NEEDED_TO_STORE):
            return jsonify(status="unready", checks=checks), 503
        return jsonify(status="degraded" if any(reasons.values()) else "ready", checks=checks), 200

    return pages
