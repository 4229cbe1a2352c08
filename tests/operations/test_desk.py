"""Actions of operators are recorded with their operator, and only those."""

import pytest

from bridge.delivery import audit as audit_trail
from bridge.delivery.audit import of_event, trail
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import repeats
from bridge.errors import InHand, NoSuchEvent
from bridge.messages import WEBHOOKS, Status
from bridge.operations import bulk_replay
from bridge.operations.desk import WAITS, Desk
from bridge.operations.search import Filter
from tests.delivery.arrivals import keep, received, rows
from tests.delivery.lanes import UNCERTAIN, claim, queue, settle
from tests.delivery.pending import Silent, drain

NOW = 2_000.0
ADA = "console: Ada"


class Translating:
    """Translates pending messages as soon as it is rung."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ring(self) -> None:
        drain(self._database, WEBHOOKS)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, Translating(database), lambda: NOW)


def records(database: Database) -> list[tuple[str, str, str | None, str]]:
    with database.reading() as connection:
        return [(one.who, one.did, one.event_id, one.detail) for one in reversed(trail(connection, 100))]


def test_a_replay(database: Database, desk: Desk) -> None:
    [event_id] = keep(database, received(None, status=Status.QUARANTINED))
    assert desk.replay(event_id, ADA) == "quarantined"
    assert records(database) == [(ADA, "replayed", event_id, "quarantined")]


def test_a_replay_that_no_translator_takes(database: Database) -> None:
    [event_id] = keep(database, received(None, status=Status.QUARANTINED))
    assert Desk(database, Silent(), lambda: NOW).replay(event_id, ADA, seconds=0.1) == WAITS
    assert records(database) == []
    drain(database, WEBHOOKS)
    assert records(database) == [(ADA, "replayed", event_id, "quarantined")]


def test_discarding(database: Database, desk: Desk) -> None:
    [event_id] = queue(database, "anna", "one")
    assert [desk.discard(event_id, ADA), desk.discard(event_id, ADA)] == [1, 0]
    assert records(database) == [(ADA, "discarded", event_id, "")]


@pytest.mark.parametrize(("again", "did"), [(True, "sent again"), (False, "marked as delivered")])
def test_deciding(*, database: Database, desk: Desk, again: bool, did: str) -> None:
    [event_id] = queue(database, "anna", "one")
    settle(database, claim(database), UNCERTAIN)
    assert [desk.decide(event_id, ADA, again=again) for _ in range(2)] == [1, 0]
    assert records(database) == [(ADA, did, event_id, "")]


def test_the_id_of_a_duplicate_means_the_event_that_it_repeats(database: Database, desk: Desk) -> None:
    [event_id] = keep(database, received())
    [_] = keep(database, received(at=2_000.0))
    [repeat] = [row["id"] for row in rows(database, repeats)]
    assert repeat != event_id
    assert (desk.original(repeat), desk.original(event_id), desk.original("NOTHING")) == (event_id, event_id, "NOTHING")
    assert desk.discard(repeat, ADA) == 1
    assert desk.replay(repeat, ADA, seconds=0) == WAITS
    assert desk.decide(repeat, ADA, again=True) == 0
    assert {record[1:3] for record in records(database)} == {("discarded", event_id), ("replayed", event_id)}


def test_seeing_a_customers_data(database: Database, desk: Desk) -> None:
    [event_id] = queue(database, "anna", "one")
    assert desk.reveal(event_id, ADA).body == b"one"
    assert records(database) == [(ADA, "saw customer data", event_id, "")]


def test_signing_in(database: Database, desk: Desk) -> None:
    desk.sign_in("Ada", ADA)
    assert records(database) == [(ADA, "signed in", None, "")]


def test_what_is_refused_is_not_recorded(database: Database, desk: Desk) -> None:
    [event_id] = queue(database, "anna", "one")
    claim(database)
    with pytest.raises(InHand):
        desk.discard(event_id, ADA)
    for act in (desk.replay, desk.discard, desk.reveal):
        with pytest.raises(NoSuchEvent):
            act("NOTHING", ADA)
    with pytest.raises(NoSuchEvent):
        desk.decide("NOTHING", ADA, again=True)
    assert records(database) == []


def test_the_records_are_read_by_page_and_by_event(database: Database, desk: Desk) -> None:
    first, second = queue(database, "anna", "one", "two")
    for place, event_id in enumerate((first, second, first)):
        Desk(database, Silent(), lambda at=place: NOW + at).reveal(event_id, ADA)  # type: ignore[misc] # mypy infers no default of a lambda
    with database.reading() as connection:
        newest = trail(connection, 2)
        assert [one.at for one in newest] == [NOW + 2, NOW + 1]
        assert [one.at for one in trail(connection, 2, before=newest[-1].id)] == [NOW]
        assert [one.at for one in of_event(connection, first)] == [NOW, NOW + 2]


def test_old_records_go_in_steps_and_new_ones_stay(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_trail, "STEP", 2)
    for at in range(5):
        Desk(database, Silent(), lambda at=at: NOW + at).begin_bulk_replay(Filter(status="dead"), ADA)  # type: ignore[misc] # mypy infers no default of a lambda
    with database.writing() as connection:
        bulk_replay.stop(connection, bulk_replay.listing(connection, 1, None)[0].id, NOW)
        newest, *others = bulk_replay.listing(connection, 9)
        for one in others[1:]:
            bulk_replay.stop(connection, one.id, NOW)
    marks: list[str] = []
    while not marks or marks[-1]:
        with database.writing() as connection:
            marks.append(audit_trail.sweep_records(connection, "", NOW + 4))
    assert len(marks) == 3
    with database.reading() as connection:
        assert [one.at for one in trail(connection, 9)] == [NOW + 4]
        assert [one.at for one in bulk_replay.listing(connection, 9)] == [NOW + 4, NOW + 3]
        assert newest.state is bulk_replay.State.STOPPED
