"""Number of requests that wait for an outcome."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from bridge.delivery.database.engine import Database
from bridge.intake import Received
from bridge.messages import EventOutcome, Status
from bridge.web.doors.waiting import MOST, Waiting, answer
from tests.delivery.arrivals import keep, received
from tests.delivery.patience import until

NEVER = Received("01M8GZY13XMYQ5JW66VK6GGHKW")


@pytest.fixture
def waiting(sqlite_url: str, open_database: Callable[[str], Database]) -> Iterator[Waiting]:
    one = Waiting(open_database(sqlite_url))
    yield one
    one.is_ending.set()


def ask(waiting: Waiting, message: Received, prefer: str = "wait=10") -> object:
    """Return the answer to a request."""
    app = Flask(__name__)
    with app.test_request_context(headers={"Prefer": prefer}):
        return answer(message, waiting).get_json()


def test_no_more_wait_at_a_time_than_leave_threads_to_others(waiting: Waiting) -> None:
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(waiting, NEVER))) for _ in range(MOST)]
    for thread in threads:
        thread.start()
    until(lambda: waiting._places._value == 0)
    assert ask(waiting, NEVER) == {"status": "stored", "id": NEVER.id}
    assert answers == []
    waiting.is_ending.set()
    for thread in threads:
        thread.join()
    assert answers == [{"status": "stored", "id": NEVER.id}] * MOST


def test_while_the_process_ends_no_request_waits(waiting: Waiting) -> None:
    waiting.is_ending.set()
    assert ask(waiting, NEVER) == {"status": "stored", "id": NEVER.id}


def test_a_list_is_answered_with_a_list(waiting: Waiting) -> None:
    [event_id] = keep(waiting._database, received("a"))
    one = EventOutcome(event_id, Status.ACCEPTED, "Customer Rewarded", "").answer()
    assert ask(waiting, Received(event_id)) == one
    assert ask(waiting, Received(event_id, is_several=True)) == [one]
    assert ask(waiting, Received(NEVER.id, is_several=True, count=0)) == []


def test_places_are_given_back(waiting: Waiting) -> None:
    [event_id] = keep(waiting._database, received("a"))
    for _ in range(MOST + 1):
        assert ask(waiting, Received(event_id)) != {"status": "stored", "id": event_id}
