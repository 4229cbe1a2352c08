"""Who did what by hand."""

from flask import Blueprint, render_template, request

from bridge.delivery.audit import trail
from bridge.delivery.database.engine import Database

PAGE = 100


def blueprint(database: Database) -> Blueprint:
    """``/console/audit``."""
    pages = Blueprint("audit", __name__, url_prefix="/audit")

    @pages.get("")
    def listing() -> str:
        with database.reading() as connection:
            found = trail(connection, PAGE + 1, request.args.get("before"))
        older = found[PAGE - 1].id if len(found) > PAGE else None
        return render_template("audit.html", records=found[:PAGE], older=older)

    return pages
