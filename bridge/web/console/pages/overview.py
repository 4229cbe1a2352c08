"""Show the state of both directions, and their last hour, day or week."""

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
from bridge.web.console.view.chart import Chart, chart
from bridge.web.console.view.filters import form_time

DEFAULT_PERIOD = "24h"

PERIOD_LABELS = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days"}


@dataclass(frozen=True, slots=True)
class Side:
    """A direction on the page. ``sink`` is None until a worker has started."""

    flow: Flow
    is_on: bool
    sink: SinkState | None
    chart: Chart


def blueprint(database: Database, settings: Settings, desk: Desk) -> Blueprint:
    """Make the blueprint of ``/console/``."""
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
        period = request.args.get("period", DEFAULT_PERIOD)
        with database.reading() as connection:
            data = overview(connection, period if period in PERIODS else DEFAULT_PERIOD, time.time())
        return render_template(
            "overview.html",
            overview=data,
            sides=list(_sides(data, is_on)),
            periods=PERIOD_LABELS,
            since=form_time(data.since),
        )

    return pages


def _sides(data: Overview, is_on: Mapping[str, bool]) -> Iterator[Side]:
    """Yield the directions. One that is switched off is shown only if it has events."""
    sinks = {sink.name: sink for sink in data.sinks}
    for flow in data.flows:
        points = [point for point in data.points if point.direction == flow.direction]
        if is_on[flow.direction] or flow.received or flow.waiting or flow.dead:
            yield Side(flow, is_on[flow.direction], sinks.get(DIRECTIONS[flow.direction].sink), chart(points))
