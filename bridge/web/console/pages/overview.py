"""The first page: how it goes, and went within the last hour, day or week."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.delivery.database.engine import Database
from bridge.delivery.outbox import SinkState
from bridge.directions import DIRECTIONS
from bridge.operations.desk import Desk
from bridge.operations.monitoring.overview import PERIODS, Flow, Overview, overview
from bridge.settings import Settings
from bridge.web.console.view.asked import minute
from bridge.web.console.view.chart import Chart, chart

USUAL = "24h"

NAMES = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days"}


@dataclass(frozen=True, slots=True)
class Side:
    """One direction as the page shows it; ``sink`` is None if no worker has been there yet."""

    flow: Flow
    is_on: bool
    sink: SinkState | None
    chart: Chart


def blueprint(database: Database, settings: Settings, desk: Desk) -> Blueprint:
    """``/console/``."""
    pages = Blueprint("overview", __name__)
    is_on = {key: settings.is_on(key) for key in DIRECTIONS}

    @pages.post("/pause/<name>")
    def pause(name: str) -> Response:
        desk.pause(name, g.who)
        flash(f"Paused: {name}.")
        return redirect(url_for("overview.page"))

    @pages.post("/resume/<name>")
    def resume(name: str) -> Response:
        desk.pause(name, g.who, until=0.0)
        flash(f"Resumed: {name}.")
        return redirect(url_for("overview.page"))

    @pages.get("/")
    def page() -> str:
        period = request.args.get("period", USUAL)
        with database.reading() as connection:
            found = overview(connection, period if period in PERIODS else USUAL, time.time())
        return render_template(
            "overview.html", overview=found, sides=list(_sides(found, is_on)), periods=NAMES, since=minute(found.since)
        )

    return pages


def _sides(found: Overview, is_on: Mapping[str, bool]) -> Iterator[Side]:
    """Of what is off only that in which something still happened."""
    sinks = {sink.name: sink for sink in found.sinks}
    for flow in found.flows:
        points = [point for point in found.points if point.direction == flow.direction]
        if is_on[flow.direction] or flow.received or flow.waiting or flow.dead:
            yield Side(flow, is_on[flow.direction], sinks.get(DIRECTIONS[flow.direction].sink), chart(points))
