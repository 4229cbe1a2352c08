"""Appending messages: many requests, one transaction, and a truthful 503."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import deliveries, events, marks, messages, pending
from bridge.delivery.inbox import Inbox, writer
from bridge.errors import StoreUnavailable
from bridge.messages import WEBHOOKS, Message, Status
from tests.delivery.arrivals import count, rows
from tests.delivery.faults import held, once
from tests.delivery.patience import until
from tests.delivery.pending import BATCH, Silent, append, arrive, became, called, drain, message, redeemed


class Bell:
    """Counts its rings."""

    def __init__(self) -> None:
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1


def refused(inbox: Inbox, one: Message, reason: str) -> None:
    with pytest.raises(StoreUnavailable, match=reason):
        inbox.append(one)


def test_a_message_is_stored_as_it_came_and_its_worker_is_woken(database: Database) -> None:
    bell, one = Bell(), called("anna", request="req-1")
    Inbox(database, bell).append(one)
    [row] = rows(database, messages)
    assert unpack(row.pop("body")) == one.body
    assert row == {
        "id": one.id,
        "queue": "calls",
        "direction": "to_voucherify",
        "door": one.door,
        "received_at": one.at,
        "request_id": "req-1",
        "credential": b"key",
    }
    assert [(row["queue"], row["message_id"]) for row in rows(database, pending)] == [("calls", one.id)]
    until(lambda: bell.rung == 1)


def test_messages_that_wait_share_a_transaction(database: Database) -> None:
    commits: list[object] = []
    inbox = Inbox(database, Silent())
    inbox.append(redeemed("first"))
    event.listen(database.engine, "commit", commits.append)
    with ThreadPoolExecutor(8) as pool:
        with held(database, at_commit=True) as reached:
            waiting = [pool.submit(inbox.append, redeemed("held"))]
            assert reached.wait(30)
            waiting += [pool.submit(inbox.append, redeemed(f"{number}")) for number in range(7)]
            until(lambda: inbox._queue.qsize() == 7)
        for one in waiting:
            one.result(30)
    assert len(commits) == 2
    assert count(database, messages) == count(database, pending) == 9


def test_a_transaction_does_not_grow_without_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST", 3)
    inbox = Inbox(database, Silent())
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(inbox.append, [redeemed(f"{number}") for number in range(10)]))
    assert count(database, messages) == 10


def test_threads_that_come_first_at_once_have_one_writer(database: Database) -> None:
    def writers() -> int:
        return sum(thread.name == "inbox" for thread in threading.enumerate())

    before, inbox, begin = writers(), Inbox(database, Silent()), threading.Barrier(8)

    def come(number: int) -> None:
        begin.wait(30)
        inbox.append(redeemed(f"{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come, range(8)))
    assert writers() == before + 1


def test_what_was_withdrawn_before_the_commit_is_not_stored(database: Database) -> None:
    inbox = Inbox(database, Silent(), patience_seconds=0.2)
    with held(database, at_commit=False):
        refused(inbox, redeemed("late"), "too slow")
    inbox.append(redeemed("next"))
    assert count(database, messages) == count(database, pending) == 1
    assert count(database, marks) == 0


def test_withdrawing_does_not_take_others_along(database: Database) -> None:
    hasty, patient = redeemed("hasty"), redeemed("patient")
    inbox = Inbox(database, Silent())
    with ThreadPoolExecutor(2) as pool:
        with held(database, at_commit=False) as reached:
            first = pool.submit(inbox.append, redeemed("first"))
            assert reached.wait(30)
            waiting = pool.submit(inbox.append, patient)
            until(lambda: inbox._queue.qsize() == 1)
            inbox._patience_seconds = 0.05
            refused(inbox, hasty, "too slow")
        first.result(30)
        waiting.result(30)
    assert {row["id"] for row in rows(database, messages)} == {first_id(database), patient.id}
    assert count(database, pending) == 2


def first_id(database: Database) -> str:
    found: str = rows(database, pending)[0]["message_id"]
    return found


def test_a_commit_that_comes_late_is_marked_and_the_next_same_message_repeats_it_once(database: Database) -> None:
    one = called("anna")
    inbox = Inbox(database, Silent(), patience_seconds=0.2)
    with held(database, at_commit=True):
        refused(inbox, one, "too slow")
    until(lambda: count(database, marks) == 1)
    assert [row["id"] for row in rows(database, messages)] == [one.id]
    retry, meant = (message(one.body, one.door) for _ in range(2))
    append(database, retry, meant)
    drain(database, one.queue)
    [[first], [repeat]] = became(database, one.id, retry.id)
    assert (first.status, repeat.status, repeat.id) == (Status.ACCEPTED, Status.DUPLICATE, one.id)
    assert count(database, marks) == 0


def test_a_lost_answer_to_a_commit_that_happened_is_no_503(database: Database) -> None:
    one = redeemed("lost")
    with once(database, after=True):
        Inbox(database, Silent()).append(one)
    assert [row["id"] for row in rows(database, messages)] == [one.id]
    assert count(database, marks) == 0


def test_a_lost_answer_to_a_commit_that_cannot_be_looked_for_is_marked_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOOKING_INTERVAL_SECONDS", 0.05)
    one, genuine = message(b"nameless"), database.reading
    inbox = Inbox(database, Silent())

    def lost() -> None:
        raise StoreUnavailable("away")

    database.reading = lost  # type: ignore[method-assign, assignment] # in this test alone
    with once(database, after=True):
        refused(inbox, one, "answer was lost")
    database.reading = genuine  # type: ignore[method-assign] # in this test alone
    until(lambda: count(database, marks) == 1)
    # Of several identical messages, only the first counts as the sender's retry.
    [retry], [meant], [again] = arrive(database, *(message(b"nameless") for _ in range(3)))
    assert (retry.status, retry.id) == (Status.DUPLICATE, one.id)
    assert [meant.status, again.status] == [Status.QUARANTINED] * 2


def test_a_commit_that_did_not_happen_leaves_neither_message_nor_mark(database: Database) -> None:
    inbox = Inbox(database, Silent())
    with once(database):
        refused(inbox, redeemed("a"), "connection was lost")
    inbox.append(redeemed("b"))
    assert count(database, messages) == count(database, pending) == 1
    assert count(database, marks) == 0


@pytest.mark.parametrize(
    "other",
    [
        message(b"other bytes"),
        message(b"nameless", credential=b"another key"),
        message(b"nameless", "webhooks/segment"),
    ],
    ids=["bytes", "credential", "door"],
)
def test_a_mark_is_of_one_sender_door_and_content(database: Database, other: Message) -> None:
    one = message(b"nameless")
    inbox = Inbox(database, Silent(), patience_seconds=0.2)
    with held(database, at_commit=True):
        refused(inbox, one, "too slow")
    until(lambda: count(database, marks) == 1)
    [[kept]] = arrive(database, other)
    assert kept.status is Status.QUARANTINED
    assert count(database, marks) == 1


def test_a_mark_ends(database: Database) -> None:
    inbox = Inbox(database, Silent(), patience_seconds=0.2)
    with held(database, at_commit=True):
        refused(inbox, message(b"nameless"), "too slow")
    until(lambda: count(database, marks) == 1)
    with database.writing() as connection:
        connection.execute(marks.update().values(until=1.0))
    [[kept]] = arrive(database, message(b"nameless"))
    assert kept.status is Status.QUARANTINED


def test_an_outage_is_answered_and_ends(database: Database) -> None:
    inbox, genuine = Inbox(database, Silent()), database.writing

    def lost() -> None:
        raise StoreUnavailable("away")

    database.writing = lost  # type: ignore[method-assign, assignment] # in this test alone
    refused(inbox, redeemed("a"), "away")
    database.writing = genuine  # type: ignore[method-assign] # in this test alone
    inbox.append(redeemed("a"))
    assert count(database, messages) == 1


def test_any_error_is_answered_and_the_next_message_is_stored(database: Database) -> None:
    inbox, genuine = Inbox(database, Silent()), database.writing

    def strange() -> None:
        raise KeyError("whatever")

    database.writing = strange  # type: ignore[method-assign, assignment] # in this test alone
    refused(inbox, redeemed("a"), "unexpected")
    database.writing = genuine  # type: ignore[method-assign] # in this test alone
    inbox.append(redeemed("a"))
    assert count(database, messages) == 1


def test_accepting_leaves_room_on_sqlites_disk(sqlite_url: str, open_database: Callable[[str], Database]) -> None:
    database, free = open_database(sqlite_url), [writer.RESERVE_BYTES + 1_000]
    database.free_bytes = lambda: free[0]  # type: ignore[method-assign] # in this test alone
    inbox = Inbox(database, Silent())
    inbox.append(message(os.urandom(600)))
    refused(inbox, message(b"small"), "nearly full")
    drain(database, WEBHOOKS)
    inbox.append(message(b"small"))
    free[0] = writer.RESERVE_BYTES - 1
    drain(database, WEBHOOKS)
    refused(inbox, message(b"small"), "nearly full")
    assert count(database, messages) == 2


def test_a_forked_process_appends_by_a_writer_of_its_own(
    sqlite_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(sqlite_url)
    inbox = Inbox(database, Silent())
    inbox.append(redeemed("parent"))
    database.close()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process, which ends here
        inbox.forget()
        inbox.append(redeemed("child", at=1_700_000_001.0))
        os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)
    inbox.append(redeemed("parent again", at=1_700_000_002.0))
    assert count(database, messages) == 3


def test_whatever_bytes_come_are_stored_and_have_one_of_four_outcomes(database: Database) -> None:
    outcomes = set(Status)
    begun = [0]
    text = st.text(max_size=20)
    json_like = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: repr(value).replace("'", '"').encode("utf-8", "surrogatepass"))
    odd = st.sampled_from([b"", b"\x00", b"[" * 5_000, b'{"type": "\\u0000\\ud800"}', redeemed("a").body, b"\xff" * 50])

    @given(st.binary(max_size=200) | json_like | odd)
    def stored(body: bytes) -> None:
        begun[0] += 1
        one = message(body)
        [[kept]] = arrive(database, one)
        assert kept.status in outcomes
        with database.reading() as connection:
            row = connection.execute(messages.select().where(messages.c.id == one.id)).one()
        assert unpack(row.body) == body

    stored()
    assert count(database, messages) == begun[0]
    assert count(database, pending) == 0
    assert count(database, deliveries) <= count(database, events)


def test_a_batch_of_nothing_has_no_outcome_and_stops_no_other(database: Database) -> None:
    empty, other = message(b'{"batch": []}', BATCH), message(b'{"batch": [1]}', BATCH)
    assert [len(found) for found in arrive(database, empty, other)] == [0, 1]
    assert count(database, pending) == 0
