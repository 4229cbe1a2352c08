"""Serve the console to scripts, as JSON.

Scripts send ``Authorization: Bearer`` and the admin token instead of a session.
"""

import time
from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from bridge.bootstrap import Bridge
from bridge.delivery.audit import trail
from bridge.delivery.database.engine import Database
from bridge.errors import SignatureError
from bridge.operations import bulk_replay
from bridge.operations.desk import Desk
from bridge.operations.history import entries, story
from bridge.operations.monitoring.overview import PERIODS
from bridge.operations.monitoring.overview import overview as look
from bridge.web.client import client_address
from bridge.web.console.security.token_check import TokenCheck
from bridge.web.console.view import masking
from bridge.web.console.view.event_page import as_json
from bridge.web.console.view.filters import parse_filter

OPERATOR = "script"
PAGE, LARGEST_PAGE = 50, 1000


def blueprint(token_check: TokenCheck, bridge: Bridge) -> Blueprint:
    """Make the blueprint of ``/console/api``.

    Like the pages, it hides customer data without ``?reveal=true``.
    """
    calls = Blueprint("api", __name__, url_prefix="/api")
    database, desk = bridge.database, bridge.desk

    @calls.before_request
    def demand_token() -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token_check.accepts(token, client_address(request.environ)):
            raise SignatureError("Authorization must be Bearer and the admin token")

    @calls.get("/overview")
    def overview() -> Response:
        period = request.args.get("period", "24h")
        if period not in PERIODS:
            raise BadRequest(f"period must be one of {', '.join(PERIODS)}")
        with database.reading() as connection:
            return jsonify(masking.overview(asdict(look(connection, period, time.time()))))

    @calls.post("/pause/<name>")
    def pause(name: str) -> Response:
        desk.pause(name, OPERATOR)
        return jsonify(name=name, state="paused")

    @calls.post("/resume/<name>")
    def resume(name: str) -> Response:
        desk.pause(name, OPERATOR, until=0.0)
        return jsonify(name=name, state="running")

    _serve_events(calls, database, desk)
    _serve_replays(calls, database, desk)
    return calls


def _serve_events(calls: Blueprint, database: Database, desk: Desk) -> None:
    @calls.get("/events")
    def events() -> Response:
        wanted = desk.search(parse_filter(request.args), OPERATOR)
        with database.reading() as connection:
            rows = entries(connection, wanted, _limit())
        return jsonify([masking.entry(asdict(one)) for one in rows])

    @calls.get("/events/<event_id>")
    def event(event_id: str) -> Response:
        reveal = request.args.get("reveal") == "true"
        if reveal:
            event_story = desk.reveal(event_id, OPERATOR)
        else:
            with database.reading() as connection:
                event_story = story(connection, event_id)
        return jsonify(as_json(event_story, reveal=reveal))

    @calls.post("/events/<event_id>/replay")
    def replay(event_id: str) -> Response:
        return jsonify(id=event_id, became=desk.replay(event_id, OPERATOR))

    @calls.post("/events/<event_id>/discard")
    def discard(event_id: str) -> Response:
        return jsonify(id=event_id, discarded=desk.discard(event_id, OPERATOR))

    @calls.post("/events/<event_id>/decide")
    def decide(event_id: str) -> Response:
        verdict = _fields().get("verdict")
        if verdict not in ("delivered", "again"):
            raise BadRequest("verdict must be delivered or again")
        return jsonify(id=event_id, decided=desk.decide(event_id, OPERATOR, again=verdict == "again"))


def _serve_replays(calls: Blueprint, database: Database, desk: Desk) -> None:
    @calls.get("/replays")
    def replays() -> Response:
        with database.reading() as connection:
            return jsonify(
                [asdict(one) for one in bulk_replay.listing(connection, _limit(), request.args.get("before"))]
            )

    @calls.post("/replays")
    def begin() -> tuple[Response, int]:
        return jsonify(id=desk.begin_bulk_replay(parse_filter(_fields()), OPERATOR)), 202

    @calls.post("/replays/<replay_id>/stop")
    def stop(replay_id: str) -> Response:
        return jsonify(id=replay_id, stopped=desk.stop_bulk_replay(replay_id, OPERATOR))

    @calls.get("/audit")
    def audit() -> Response:
        with database.reading() as connection:
            return jsonify([asdict(one) for one in trail(connection, _limit(), request.args.get("before"))])


def _limit() -> int:
    return max(1, min(request.args.get("limit", PAGE, type=int), LARGEST_PAGE))


def _fields() -> dict[str, str]:
    body = request.get_json()
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise BadRequest("The body must be a JSON object with text values.")
    return body
