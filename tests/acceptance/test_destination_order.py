"""Fifty customers, forty calls each; Voucherify fails, refuses and throttles, and workers are killed: every customer's
story is told in the order in which it came in, and nothing in it twice.
"""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pytest
from flask import Response

from bridge.demo.voucherify import Call as Asked
from bridge.demo.voucherify_project import Project, Refused
from tests.acceptance.books import Books
from tests.acceptance.conftest import Hire, Serve
from tests.acceptance.destination import Call, Destination, group, identify, track, users
from tests.acceptance.server import Deliverer
from tests.acceptance.voucherify import EVENTS, Voucherify, Work, a_moment, answer
from tests.acceptance.waiting import until

CUSTOMERS, CALLS = 50, 40
WORKERS, ROUNDS = 3, 2
SEED = 7
REFUSED = "refused"
SETTLED = ("delivered", "dead", "uncertain")
PATIENCE = 120.0

State = dict[str, str]


@dataclass
class Story:
    """What one customer does, one step after the other; some steps Voucherify refuses, whenever it is asked.

    Attributes:
        states: the customer's metadata after each step, if every step is taken alone.
    """

    user: str
    calls: list[Call] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    events: list[int] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def go_on(self, chance: random.Random) -> None:
        step, is_refused = len(self.calls), chance.random() < 0.04
        # A key of its own, which no later step can overwrite when they are merged.
        told = {"step": str(step), **({f"{REFUSED} {step}": "yes"} if is_refused else {})}
        kind = chance.choice(("identify", "identify", "group", "track"))
        change: State = {}
        if kind == "identify":
            change = {**told, f"often {step % 3}": str(step)}
            self.calls.append(identify(self.user, metadata=change))
        elif kind == "group":
            change = {"group_id": f"g-{step}", **{f"group_{name}": value for name, value in told.items()}}
            self.calls.append(group(self.user, f"g-{step}", **told))
        else:
            self.calls.append(track(self.user, f"Step {step}", metadata=told))
        if is_refused:
            self.refused.add(step)
        elif kind == "track":
            self.events.append(step)
        before = self.states[-1] if self.states else {}
        self.states.append(before | ({} if is_refused else change))

    def assert_told(self, told: Sequence[tuple[str | None, State, State]]) -> None:
        """Every state that Voucherify ever saw is one of ours, and they followed each other as ours do; each event
        came once, at its place.
        """
        assert [int(event["step"]) for name, event, _ in told if name] == self.events, self.user
        at = 0
        for name, event, state in told:
            if name:
                at = int(event["step"])
                assert state == self.states[at], f"{self.user} at {name}"
            else:
                assert state in self.states[at:], f"{self.user}: {state} after step {at}"
                at = self.states.index(state, at)
        assert told[-1][2] == self.states[-1], self.user


def stories(chance: random.Random) -> list[Story]:
    told = [Story(user) for user in users(CUSTOMERS)]
    for story in told:
        for _ in range(CALLS):
            story.go_on(chance)
    return told


class Moods:
    """Voucherify on a bad day."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = Lock()

    def __call__(self, call: Asked, work: Work) -> Response:
        with self._lock:
            mood = self._chance.random()
        if call.method == "GET":
            mood *= 5.0  # each of these is waited for
        if mood < 0.01:
            return answer(429, **a_moment(0))
        if mood < 0.05:
            return answer(500)
        done = work()
        return answer(502) if mood < 0.09 else done


class Picky(Project):
    """It refuses some calls for good: for a customer alone, among many, and for an event."""

    def upsert(self, body: Any) -> None:
        self._look_at(body)
        super().upsert(body)

    def track(self, body: Any) -> Any:
        self._look_at(body)
        return super().track(body)

    def _look_at(self, body: Any) -> None:
        if any(REFUSED in name for name in body.get("metadata", {})):
            raise Refused(400, "invalid_payload", "Invalid payload", "refused by the test")


class Crew:
    """Worker processes; what they had in hand when they were killed is anybody's when all have ended."""

    def __init__(self, workers: Sequence[Deliverer], books: Books, chance: random.Random) -> None:
        self._workers, self._books, self._chance = workers, books, chance

    def replace(self) -> None:
        """Kill some, ask the others to stop, and start them all again."""
        killed = self._chance.sample(self._workers, self._chance.randint(1, len(self._workers)))
        for worker in self._workers:
            if worker in killed:
                worker.kill()
            else:
                worker.terminate()
        for worker in self._workers:
            worker.wait()
        self._books.end_leases()
        for worker in self._workers:
            worker.launch()


@pytest.mark.timeout(6 * PATIENCE)
def test_every_customers_story_is_told_in_order_and_nothing_in_it_twice(
    database_url: str, serve: Serve, hire: Hire, voucherify: Voucherify, books: Books
) -> None:
    chance = random.Random(SEED)
    told = stories(chance)
    voucherify.project = Picky(polls=0)
    voucherify.script = Moods(random.Random(SEED))
    destination = Destination(serve(database_url, voucherify, BRIDGE_WORKER="external").root)
    crew = Crew([hire(database_url, voucherify) for _ in range(WORKERS)], books, chance)

    def settled(share: float) -> bool:
        time.sleep(0.1)  # else watching would be most of the load
        books.move_backoff()
        left = books.deliveries()
        return sum(left[status] for status in SETTLED) >= share * CUSTOMERS * CALLS

    with ThreadPoolExecutor(8) as pool:
        posts = [pool.submit(destination.store, *story.calls) for story in told]
        for share in sorted(chance.uniform(0.05, 0.9) for _ in range(ROUNDS)):
            until(lambda share=share: settled(share), f"{share:.0%} of all calls are settled", patience=PATIENCE)  # type: ignore[misc] # mypy infers no default of a lambda
            crew.replace()
        for post in posts:
            post.result()
    until(lambda: settled(1.0), "all calls are settled", patience=PATIENCE)

    refused = sum(len(story.refused) for story in told)
    assert books.deliveries() == {"delivered": CUSTOMERS * CALLS - refused, "dead": refused}
    for story in told:
        story.assert_told(list(voucherify.story(story.user)))
    assert set(voucherify.events().values()) == {1}
    asked_of_all = len(voucherify.calls(EVENTS)) - sum(len(story.events) for story in told)
    assert asked_of_all > 0, "it was no bad day"
