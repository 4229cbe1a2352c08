"""Show bulk replays; start and stop them."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.delivery.database.engine import Database
from bridge.errors import Invalid
from bridge.operations import bulk_replay
from bridge.operations.desk import Desk
from bridge.operations.search import count
from bridge.web.console.view.filters import filter_fields, parse_filter

PAGE = 50


def blueprint(database: Database, desk: Desk) -> Blueprint:
    """Make the blueprint of ``/console/replays``."""
    pages = Blueprint("replays", __name__, url_prefix="/replays")

    @pages.get("")
    def listing() -> str:
        with database.reading() as connection:
            replays = bulk_replay.listing(connection, PAGE + 1, request.args.get("before"))
        older = replays[PAGE - 1].id if len(replays) > PAGE else None
        return render_template("replays.html", replays=replays[:PAGE], older=older, filter_fields=filter_fields)

    @pages.get("/new")
    def ask() -> str:
        filter_ = desk.search(parse_filter(request.args), g.who)
        if filter_.status not in bulk_replay.REPLAYABLE:
            raise Invalid({"status": f"must be one of {', '.join(bulk_replay.REPLAYABLE)}"})
        with database.reading() as connection:
            number = count(connection, filter_, bulk_replay.MOST)
        return render_template("replay_new.html", fields=filter_fields(filter_), count=number, most=bulk_replay.MOST)

    @pages.post("")
    def begin() -> Response:
        return redirect(url_for("replays.one", replay_id=desk.begin_bulk_replay(parse_filter(request.form), g.who)))

    @pages.get("/<replay_id>")
    def one(replay_id: str) -> str:
        with database.reading() as connection:
            bulk = bulk_replay.one(connection, replay_id)
        return render_template("replay.html", replay=bulk, fields=filter_fields(bulk.wanted))

    @pages.post("/<replay_id>/stop")
    def stop(replay_id: str) -> Response:
        flash("Stopped." if desk.stop_bulk_replay(replay_id, g.who) else "It has already ended.")
        return redirect(url_for("replays.one", replay_id=replay_id))

    return pages
