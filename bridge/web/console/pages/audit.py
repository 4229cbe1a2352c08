"""Show the audit: the actions of operators."""

from flask import Blueprint, render_template, request

from bridge.delivery.audit import trail
from bridge.delivery.database.engine import Database

PAGE = 100


def blueprint(database: Database) -> Blueprint:
    """Make the blueprint of ``/console/audit``."""
    pages = Blueprint("audit", __name__, url_prefix="/audit")

    @pages.get("")
    def listing() -> str:
        with database.reading() as connection:
            records = trail(connection, PAGE + 1, request.args.get("before"))
        older = records[PAGE - 1].id if len(records) > PAGE else None
        return render_template("audit.html", records=records[:PAGE], older=older)

    return pages
