"""Build the page of one event, masked unless an operator reveals it."""

from dataclasses import asdict, dataclass
from typing import Any

from markupsafe import Markup

from bridge.delivery.rules.retry import Fate
from bridge.directions import DIRECTIONS, FREE_KEYS
from bridge.messages import Status
from bridge.operations.bulk_replay import REPLAYABLE
from bridge.operations.discard import DISCARDABLE
from bridge.operations.history import PENDING, Attempt, Delivered, Story
from bridge.prose import mask_reason, mask_words, scrub
from bridge.web.console.view import masking
from bridge.web.console.view.content import pretty, split_response, value_of


@dataclass(frozen=True, slots=True)
class AttemptView:
    """An attempt, and its response as text and as JSON."""

    attempt: Attempt
    text: str
    response: Markup | None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery, its payload and its attempts."""

    delivery: Delivered
    payload: Markup
    attempts: tuple[AttemptView, ...]


@dataclass(frozen=True, slots=True)
class EventPage:
    """The page of an event.

    Attributes:
        name: of the event, "" if it has none.
        reason: why it has its status, if there is a reason.
        can_replay, can_discard, is_uncertain: the actions that an operator can take.
    """

    story: Story
    is_revealed: bool
    name: str
    customer: str
    reason: str
    body: Markup
    deliveries: tuple[DeliveryView, ...]
    can_replay: bool
    can_discard: bool
    is_uncertain: bool


def event_page(story: Story, *, reveal: bool) -> EventPage:
    """Build the page of ``story``."""
    masker = _Masking(story)
    entry, statuses = story.entry, {delivery.status for delivery in story.deliveries} or {story.entry.status}

    def show(content: bytes) -> Markup:
        value = value_of(content)
        return pretty(value if reveal else masker.mask(value))

    customer = entry.customer or ""
    return EventPage(
        story,
        is_revealed=reveal,
        customer=customer if reveal else masking.shorten(customer),
        name=entry.event if reveal else scrub(entry.event),
        reason=entry.reason if reveal else masker.reason(entry.reason),
        body=show(story.body),
        deliveries=tuple(
            DeliveryView(
                delivery,
                show(delivery.payload),
                tuple(_attempt_view(attempt, None if reveal else masker) for attempt in delivery.attempts),
            )
            for delivery in story.deliveries
        ),
        can_replay=bool(statuses & {*REPLAYABLE}),
        can_discard=bool(statuses & {*DISCARDABLE, Status.QUARANTINED, PENDING}),
        is_uncertain=Fate.UNCERTAIN in statuses,
    )


def as_json(story: Story, *, reveal: bool) -> dict[str, Any]:
    """Build the JSON of ``story`` for scripts."""
    masker = _Masking(story)

    def answer(attempt: Attempt) -> dict[str, Any]:
        words, value = split_response(attempt.detail)
        if not reveal:
            words, value = masker.answer(words, value)
        return {
            "at": attempt.at,
            "seconds": attempt.seconds,
            "outcome": attempt.outcome,
            "code": attempt.code,
            "words": words,
            "answer": value,
        }

    def content_value(content: bytes) -> Any:
        value = value_of(content)
        return value if reveal else masker.mask(value)

    return masking.entry(asdict(story.entry), masker.secrets, reveal=reveal) | {
        "repeat_id": story.repeat_id or None,
        "body": content_value(story.body),
        "deliveries": [
            {
                "sink": one.sink,
                "key": one.key,
                "status": one.status,
                "due_at": one.due_at,
                "settled_at": one.settled_at,
                "payload": content_value(one.payload),
                "attempts": [answer(attempt) for attempt in one.attempts],
                "attempts_between": one.attempts_between,
            }
            for one in story.deliveries
        ],
    }


class _Masking:
    """The masking of one event: its customer's data in all its parts."""

    def __init__(self, story: Story) -> None:
        direction = DIRECTIONS.get(story.entry.direction)
        self._custom = direction.free_keys if direction else FREE_KEYS
        contents = [value_of(story.body), *(value_of(one.payload) for one in story.deliveries)]
        customer_ids = frozenset((story.entry.customer,)) if story.entry.customer else frozenset[str]()
        self.secrets = customer_ids.union(*(masking.hidden_values(value, self._custom) for value in contents))

    def mask(self, value: Any) -> Any:
        return masking.mask(value, self._custom)

    def answer(self, words: str, value: Any) -> tuple[str, Any]:
        return mask_words(words, self.secrets), masking.mask_answer(value, self.secrets)

    def reason(self, reason: str) -> str:
        return mask_reason(reason, self.secrets)


def _attempt_view(attempt: Attempt, masker: _Masking | None) -> AttemptView:
    words, value = split_response(attempt.detail)
    if masker:
        words, value = masker.answer(words, value)
    return AttemptView(attempt, words, None if value is None else pretty(value))
