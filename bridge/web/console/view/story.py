"""PURE: one event as a page shows it: masked, until somebody has asked to see more."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bridge.delivery.rules.retry import Fate
from bridge.directions import DIRECTIONS, FREE_KEYS
from bridge.messages import Status
from bridge.operations.bulk_replay import REPLAYABLE
from bridge.operations.discard import DISCARDABLE
from bridge.operations.history import PENDING, Attempt, Delivered, Story
from bridge.web.console.view import masking
from bridge.web.console.view.shown import parts, pretty, value_of


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt: the service's answer in words, and as JSON if it was."""

    attempt: Attempt
    words: str
    answer: Markup | None


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery: what is sent, and what came back each time."""

    delivery: Delivered
    payload: Markup
    tries: tuple[Try, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An event's page.

    Attributes:
        because: why it stands where it stands, if there is more to say than that.
        can_replay, can_discard, is_uncertain: what an operator may do about it.
    """

    story: Story
    is_revealed: bool
    customer: str
    because: str
    arrived: Markup
    sent: tuple[Sent, ...]
    can_replay: bool
    can_discard: bool
    is_uncertain: bool


def tell(story: Story, *, reveal: bool) -> Told:
    """The page of ``story``."""
    hiding = _Hiding(story)
    entry, stands = story.entry, {delivery.status for delivery in story.deliveries} or {story.entry.status}

    def show(content: bytes) -> Markup:
        value = value_of(content)
        return pretty(value if reveal else hiding.mask(value))

    customer = entry.customer or ""
    return Told(
        story,
        is_revealed=reveal,
        customer=customer if reveal else masking.shortened(customer),
        because=entry.reason,
        arrived=show(story.body),
        sent=tuple(
            Sent(
                delivery,
                show(delivery.payload),
                tuple(_try(attempt, None if reveal else hiding) for attempt in delivery.attempts),
            )
            for delivery in story.deliveries
        ),
        can_replay=bool(stands & {*REPLAYABLE}),
        can_discard=bool(stands & {*DISCARDABLE, Status.QUARANTINED, PENDING}),
        is_uncertain=Fate.UNCERTAIN in stands,
    )


def plain(story: Story, *, reveal: bool) -> dict[str, Any]:
    """The same for a script."""
    hiding = _Hiding(story)

    def answer(attempt: Attempt) -> dict[str, Any]:
        words, value = parts(attempt.detail)
        if not reveal:
            words, value = hiding.answer(words, value)
        return {
            "at": attempt.at,
            "seconds": attempt.seconds,
            "outcome": attempt.outcome,
            "code": attempt.code,
            "words": words,
            "answer": value,
        }

    def shown(content: bytes) -> Any:
        value = value_of(content)
        return value if reveal else hiding.mask(value)

    return {
        "repeat_id": story.repeat_id or None,
        "body": shown(story.body),
        "deliveries": [
            {
                "sink": one.sink,
                "key": one.key,
                "status": one.status,
                "due_at": one.due_at,
                "settled_at": one.settled_at,
                "payload": shown(one.payload),
                "attempts": [answer(attempt) for attempt in one.attempts],
            }
            for one in story.deliveries
        ],
    }


class _Hiding:
    """What must not be seen of this event, wherever it turns up."""

    def __init__(self, story: Story) -> None:
        direction = DIRECTIONS.get(story.entry.direction)
        self._free = direction.free_keys if direction else FREE_KEYS
        contents = [value_of(story.body), *(value_of(one.payload) for one in story.deliveries)]
        known = frozenset((story.entry.customer,)) if story.entry.customer else frozenset[str]()
        self._secrets = known.union(*(masking.hidden(value, self._free) for value in contents))

    def mask(self, value: Any) -> Any:
        return masking.mask(value, self._free)

    def answer(self, words: str, value: Any) -> tuple[str, Any]:
        return masking.scrub(words, self._secrets), masking.mask_answer(value, self._secrets)


def _try(attempt: Attempt, hiding: _Hiding | None) -> Try:
    words, value = parts(attempt.detail)
    if hiding:
        words, value = hiding.answer(words, value)
    return Try(attempt, words, None if value is None else pretty(value))
