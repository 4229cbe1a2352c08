"""What was kept before a revision is as useful after it."""

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from bridge.delivery.database import Database
from bridge.delivery.journal import Filter, entries

EVENT = (
    "INSERT INTO events (id, door, direction, status, event, reason, customer, received_at, body) VALUES "
    "('01KA3GTTB7AVXGHDJ3HXY4QRJ1', 'webhooks/voucherify', 'to_segment', 'accepted', 'Customer Rewarded', '', 'anna', "
    "1.0, :body)"
)
DELIVERY = (
    "INSERT INTO deliveries (id, event_id, sink, key, mergeable, status, due_at, created_at, size, payload) VALUES "
    "(1, '01KA3GTTB7AVXGHDJ3HXY4QRJ1', 'segment', 'a', false, 'dead', 1.0, 1.0, 1, :body)"
)
ATTEMPT = (
    "INSERT INTO attempts (delivery_id, claim, at, seconds, outcome, code, detail) VALUES "
    "(1, {}, 1.0, 1.0, '{}', {}, '')"
)


def test_failures_from_before_there_were_causes_have_one(database_url: str) -> None:
    database = Database(database_url)
    config = Config()
    config.set_main_option("script_location", "bridge.delivery:migrations")
    config.set_main_option("path_separator", "os")
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text(EVENT), {"body": b""})
        connection.execute(text(DELIVERY), {"body": b""})
        connection.execute(text(ATTEMPT.format(1, "failed", 503)))
        connection.execute(text(ATTEMPT.format(2, "rejected", 400)))
    with database.reading() as connection:
        [entry] = entries(connection, Filter(error="Rejected 400"), 10)
        assert (entry.status, entry.reason) == ("dead", "rejected 400")
        assert connection.execute(text("SELECT event FROM deliveries")).scalar() == "Customer Rewarded"
    database.close()
