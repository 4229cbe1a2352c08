"""Bulk replays: asking how many it would be, beginning one, seeing how far it is, stopping it."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.delivery.database.engine import Database
from bridge.errors import Invalid
from bridge.operations import bulk_replay
from bridge.operations.desk import Desk
from bridge.operations.search import count
from bridge.web.console.view.asked import query, wanted

PAGE = 50


def blueprint(database: Database, desk: Desk) -> Blueprint:
    """``/console/replays``."""
    pages = Blueprint("replays", __name__, url_prefix="/replays")

    @pages.get("")
    def listing() -> str:
        with database.reading() as connection:
            found = bulk_replay.listing(connection, PAGE + 1, request.args.get("before"))
        older = found[PAGE - 1].id if len(found) > PAGE else None
        return render_template("replays.html", replays=found[:PAGE], older=older, query=query)

    @pages.get("/new")
    def ask() -> str:
        asked = wanted(request.args)
        if asked.status not in bulk_replay.REPLAYABLE:
            raise Invalid({"status": f"must be one of {', '.join(bulk_replay.REPLAYABLE)}"})
        with database.reading() as connection:
            found = count(connection, asked, bulk_replay.MOST)
        return render_template("replay_new.html", fields=query(asked), count=found, most=bulk_replay.MOST)

    @pages.post("")
    def begin() -> Response:
        return redirect(url_for("replays.one", replay_id=desk.begin_bulk_replay(wanted(request.form), g.who)))

    @pages.get("/<replay_id>")
    def one(replay_id: str) -> str:
        with database.reading() as connection:
            found = bulk_replay.one(connection, replay_id)
        return render_template("replay.html", replay=found, fields=query(found.wanted))

    @pages.post("/<replay_id>/stop")
    def stop(replay_id: str) -> Response:
        flash("Stopped." if desk.stop_bulk_replay(replay_id, g.who) else "It had ended already.")
        return redirect(url_for("replays.one", replay_id=replay_id))

    return pages
