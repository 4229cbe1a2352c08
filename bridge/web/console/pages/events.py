"""The list of events, one event whole, and what can be done about it."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from bridge.delivery import audit
from bridge.delivery.database.engine import Database
from bridge.operations import bulk_replay
from bridge.operations.desk import Desk
from bridge.operations.history import Entry, Filter, entries, story
from bridge.web.console.view.asked import query, wanted
from bridge.web.console.view.masking import shortened
from bridge.web.console.view.story import tell

PAGE = 50


def blueprint(database: Database, desk: Desk) -> Blueprint:
    """``/console/events``."""
    pages = Blueprint("events", __name__, url_prefix="/events")

    @pages.get("")
    def listing() -> str:
        asked = wanted(request.args)
        with database.reading() as connection:
            found = entries(connection, asked, PAGE + 1)
        return render_template(
            "events.html",
            asked=asked,
            fields=query(asked),
            entries=found[:PAGE],
            older=_older(asked, found),
            shortened=shortened,
            may_replay=asked.status in bulk_replay.REPLAYABLE,
        )

    @pages.get("/<event_id>")
    def one(event_id: str) -> str:
        with database.reading() as connection:
            found = story(connection, event_id)
            records = audit.of_event(connection, event_id)
        return render_template("event.html", told=tell(found, reveal=False), records=records)

    @pages.post("/<event_id>/reveal")
    def reveal(event_id: str) -> str:
        found = desk.reveal(event_id, g.who)
        with database.reading() as connection:
            records = audit.of_event(connection, event_id)
        return render_template("event.html", told=tell(found, reveal=True), records=records)

    @pages.post("/<event_id>/replay")
    def replay(event_id: str) -> Response:
        flash(f"Replayed: {desk.replay(event_id, g.who)}.")
        return _back(event_id)

    @pages.post("/<event_id>/discard")
    def discard(event_id: str) -> Response:
        flash("Discarded." if desk.discard(event_id, g.who) else "There is nothing to discard.")
        return _back(event_id)

    @pages.post("/<event_id>/decide")
    def decide(event_id: str) -> Response:
        verdict = request.form.get("verdict")
        if verdict not in ("delivered", "again"):
            raise BadRequest("Say delivered or again.")
        decided = desk.decide(event_id, g.who, again=verdict == "again")
        done = "Sent again." if verdict == "again" else "Marked as delivered."
        flash(done if decided else "Nothing of it is uncertain.")
        return _back(event_id)

    return pages


def _older(asked: Filter, found: list[Entry]) -> str | None:
    """The address of the next page, if there is one."""
    fields: dict[str, Any] = {**query(asked), "before": found[PAGE - 1].id} if len(found) > PAGE else {}
    return url_for("events.listing", **fields) if fields else None


def _back(event_id: str) -> Response:
    return redirect(url_for("events.one", event_id=event_id))
