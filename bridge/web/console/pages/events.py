"""Show the list of events and one event, with its actions."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from bridge.delivery import audit
from bridge.delivery.database.engine import Database
from bridge.operations import bulk_replay
from bridge.operations.desk import Desk
from bridge.operations.history import Entry, Filter, entries, story
from bridge.web.console.view import masking
from bridge.web.console.view.event_page import event_page
from bridge.web.console.view.filters import filter_fields, parse_filter

PAGE = 50


def blueprint(database: Database, desk: Desk) -> Blueprint:
    """Make the blueprint of ``/console/events``."""
    pages = Blueprint("events", __name__, url_prefix="/events")

    @pages.get("")
    def listing() -> str:
        filter_ = desk.search(parse_filter(request.args), g.who)
        with database.reading() as connection:
            rows = entries(connection, filter_, PAGE + 1)
        return render_template(
            "events.html",
            filter=filter_,
            fields=filter_fields(filter_),
            entries=[masking.entry(asdict(one)) for one in rows[:PAGE]],
            older=_older(filter_, rows),
            may_replay=filter_.status in bulk_replay.REPLAYABLE,
        )

    @pages.get("/<event_id>")
    def one(event_id: str) -> str:
        with database.reading() as connection:
            event_story = story(connection, event_id)
            records = audit.of_event(connection, event_id)
        return render_template("event.html", page=event_page(event_story, reveal=False), records=records)

    @pages.post("/<event_id>/reveal")
    def reveal(event_id: str) -> str:
        event_story = desk.reveal(event_id, g.who)
        with database.reading() as connection:
            records = audit.of_event(connection, event_id)
        return render_template("event.html", page=event_page(event_story, reveal=True), records=records)

    @pages.post("/<event_id>/replay")
    def replay(event_id: str) -> Response:
        flash(f"Replayed: {desk.replay(event_id, g.who)}.")
        return _back(event_id)

    @pages.post("/<event_id>/discard")
    def discard(event_id: str) -> Response:
        flash(
            "Discarded."
            if desk.discard(event_id, g.who)
            else "There is nothing to discard. The event may be settled already."
        )
        return _back(event_id)

    @pages.post("/<event_id>/decide")
    def decide(event_id: str) -> Response:
        verdict = request.form.get("verdict")
        if verdict not in ("delivered", "again"):
            raise BadRequest("verdict must be delivered or again")
        decided = desk.decide(event_id, g.who, again=verdict == "again")
        message = "It will be sent again." if verdict == "again" else "Marked as delivered."
        flash(message if decided else "No uncertain deliveries.")
        return _back(event_id)

    return pages


def _older(filter_: Filter, rows: list[Entry]) -> str | None:
    """Return the address of the next page, if there is one."""
    fields: dict[str, Any] = {**filter_fields(filter_), "before": rows[PAGE - 1].id} if len(rows) > PAGE else {}
    return url_for("events.listing", **fields) if fields else None


def _back(event_id: str) -> Response:
    return redirect(url_for("events.one", event_id=event_id))
