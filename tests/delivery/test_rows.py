from bridge.delivery.database.engine import Database
from bridge.delivery.database.rows import MOST, insert_rows
from bridge.delivery.database.tables import attempts, deliveries
from bridge.delivery.rules.retry import Fate
from tests.delivery.arrivals import keep, received, rows


def test_none_are_no_statement(database: Database) -> None:
    with database.writing() as connection:
        insert_rows(connection, attempts, [])
    assert rows(database, attempts) == []


def test_more_than_a_statement_holds_keep_their_order_and_their_values(database: Database) -> None:
    keep(database, received("a"))
    [first] = rows(database, deliveries)
    wanted = [
        {
            **{name: value for name, value in first.items() if name != "id"},
            "key": f"key {number} %s %(key)s ? :key 😀",
            "lane": None if number % 2 else "lane",
            "mergeable": bool(number % 3),
            "status": Fate.QUEUED,
            "due_at": number / 7,
            "payload": number.to_bytes(4),
        }
        for number in range(2 * MOST + 1)
    ]
    with database.writing() as connection:
        insert_rows(connection, deliveries, wanted)
    found = sorted(rows(database, deliveries), key=lambda row: row["id"])[1:]
    assert [{name: value for name, value in row.items() if name != "id"} for row in found] == wanted
