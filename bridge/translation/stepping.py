"""Steps of a round: its work, translated one event after another."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row

from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import Replay, Round, Work, packed, unpacked
from bridge.messages import EVENT_TYPES, ID_LENGTH, RAW_EVENTS, Arrival, Message, Status
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.translation import meaning
from bridge.translation.deciding import Unit
from bridge.translation.meaning import Event
from bridge.translation.replaying import Again
from bridge.translation.trial import survives
from bridge.translation.writing import Step

MOST_LOADED = 100
"""Messages that are read at once; each is unpacked when its turn comes."""

POISONED = "it ended the process that translated it"


class Rules(NamedTuple):
    """Rules of raw events, which another process can be given.

    Attributes:
        mappings: returns those in force.
        types: types of events that a write key may send, by the key's digest. A key that is not there may send all:
            its messages were accepted before it was removed.
    """

    mappings: Callable[[], Mappings]
    types: Mapping[bytes, Collection[str]]

    def types_of(self, message: Message) -> Collection[str]:
        """Return the types of events that a message may have."""
        return self.types.get(message.credential, EVENT_TYPES)


class Stepper:
    """Translates the work of rounds."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    def steps(self, current: Round, mappings: Mappings) -> Iterator[Step]:
        """Translate the round's work.

        The event of a step may end the process. So it is translated only when the step before it is taken.
        """
        for start in range(0, len(current.work), MOST_LOADED):
            loaded = self._loaded(current.work[start : start + MOST_LOADED])
            for place, one in enumerate(current.work[start : start + MOST_LOADED], start):
                row, behind = loaded.get(_message_id(one)), current.work[place + 1 :]
                message = unpacked(row) if row else None
                if isinstance(one, Replay):
                    event = _again(message, one, mappings, self._rules) if message else None
                    yield Step(Again(one, message, event), behind, 0, len(message.body) if message else 0)
                elif message:
                    skip = current.done if place == 0 else 0
                    events = _events(message, mappings, skip, self._rules)
                    yield from _of_message(message, events, current.work[place:], skip)

    def poison(self, current: Round) -> Step | None:
        """Return the round's first event as quarantined, if it ends the processes that translate it."""
        if not current.is_suspected:
            return None
        first, behind = current.work[0], current.work[1:]
        row = self._loaded([first]).get(_message_id(first))
        if row is None:
            return None
        message = unpacked(row)
        if not current.is_poisoned and survives(_first_event, message, first, current.done, self._rules):
            return None
        if isinstance(first, Replay):
            arrival = Arrival(Status.QUARANTINED, reason=POISONED)
            return Step(Again(first, message, Event(first.event_id, arrival)), behind, 0)
        event = meaning.quarantined(message, current.done, POISONED)
        return Step(Unit.of(message, event), current.work, current.done + 1)

    def _loaded(self, work: Sequence[Work]) -> Mapping[str, Row[Any]]:
        with self._database.reading() as connection:
            return packed(connection, {_message_id(one) for one in work})


def _first_event(message: Message, first: Work, done: int, rules: Rules) -> Event | None:
    mappings = rules.mappings() if message.queue == RAW_EVENTS else ()
    if isinstance(first, Replay):
        return _again(message, first, mappings, rules)
    return next(_events(message, mappings, done, rules), None)


def _events(message: Message, mappings: Mappings, skip: int, rules: Rules) -> Iterator[Event]:
    return meaning.events(message, mappings, skip, rules.types_of(message))


def _again(message: Message, asked: Replay, mappings: Mappings, rules: Rules) -> Event:
    return meaning.again(message, asked.event_id, mappings, rules.types_of(message))


def _of_message(message: Message, events: Iterable[Event], work: tuple[Work, ...], skip: int) -> Iterator[Step]:
    """Return the steps of one message. After the last, it is no longer part of the round."""
    held = len(message.body)
    for done, event in enumerate(events, skip + 1):
        unit = Unit.of(message, event)
        held += sum(len(one.payload) for one in unit.made)
        yield Step(unit, work[1:], 0, held) if event.is_last else Step(unit, work, done, held)
        held = 0


def _message_id(one: Work) -> str:
    return one if isinstance(one, str) else one.event_id[:ID_LENGTH]
