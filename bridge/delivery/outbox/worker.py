"""Worker of one sink: it claims, sends and settles, in a loop.

Clock and random numbers are arguments. Deliveries arrive in two ways. A translator of this process hands over
deliveries that are already ``sending``. The worker claims others from the outbox.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from bridge.delivery.database.rows import portions
from bridge.delivery.outbox.claims import Room
from bridge.delivery.outbox.outbox import Claim, Outbox, Settlement
from bridge.delivery.rules.retry import Fate, Policy, decide, shows_service_works
from bridge.delivery.rules.sink import Happened, Outcome, Sink
from bridge.directions import ending_at
from bridge.errors import StoreUnavailable
from bridge.logs import Sparing, unexpected
from bridge.loop import Pace, repeat

BEAT = 0.25
"""Seconds between two reads of an empty outbox, while a batch gathers."""

JITTER_STEPS = 16
"""Number of times over which the retries of a batch are spread."""

LEASE_MARGIN_SECONDS = 10.0
"""Seconds of a lease beyond the sink's patience."""

SOON_SECONDS = 5.0
"""Seconds that the claimed deliveries take to send, at most."""

FIRST_GUESS_SECONDS = 0.05
"""Seconds that a delivery takes, before a measurement."""

LONGEST_TURN_SECONDS = 60.0
"""Seconds between two reads of the outbox, beyond a sink's patience, at most."""

IDS_IN_A_LINE = 100

_ENDED_BADLY = {Fate.DEAD: "dead letter", Fate.UNCERTAIN: "uncertain, an operator must decide"}

_WHY: Mapping[Happened, str] = {
    Happened.FORBIDDEN: "the service refuses the keys: check {keys}; the worker retries every minute",
    Happened.THROTTLED: "the service asks to wait",
}

_IN_ORDER = (Happened.DELIVERED, Happened.REJECTED, Happened.PROCESSING)

_log = structlog.get_logger("bridge.worker")


class Worker:
    """A thread that delivers to one sink.

    Any number may run, in any number of processes.
    """

    def __init__(
        self,
        outbox: Outbox,
        sink: Sink,
        policy: Policy,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.sink = sink
        self._outbox = outbox
        self._policy = policy
        self._clock = clock
        self._dice = dice
        self._complaints = Sparing()
        self._turned_at = time.monotonic()
        self._looked_at = float("-inf")
        self.wake = threading.Event()
        self._handed: deque[Claim] = deque()
        self._is_ready = False  # running, without due deliveries in the outbox, and without a pause
        self._seconds_each = FIRST_GUESS_SECONDS

    @property
    def name(self) -> str:
        """Name of the thread."""
        return f"deliver-{self.sink.name}"

    @property
    def patience(self) -> float:
        """Seconds within which the worker finishes its current work."""
        return self.sink.patience

    @property
    def moves(self) -> bool:
        """Whether the worker has lately begun a batch, or read the outbox."""
        return time.monotonic() - self._turned_at < self.sink.patience + LONGEST_TURN_SECONDS

    def room(self) -> Room:
        """Return the new deliveries that the worker can begin soon.

        Translators call this on other threads.
        """
        handed = list(self._handed)
        most = self._most() if self._is_ready else 0
        size = self.sink.max_bytes - sum(len(claim.parcel.payload) for claim in handed)
        return Room(most - len(handed), size, SOON_SECONDS + self._lease)

    def _most(self) -> int:
        """Return how many deliveries the worker begins at once.

        They take ``SOON_SECONDS``, so that the worker can end soon.
        """
        return max(1, min(self.sink.max_count, int(SOON_SECONDS / self._seconds_each)))

    def hand(self, claims: Sequence[Claim]) -> None:
        """Accept deliveries that are already ``sending``.

        Translators call this on other threads.
        """
        self._handed.extend(claims)
        self.wake.set()

    @property
    def _lease(self) -> float:
        return self.sink.patience + LEASE_MARGIN_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, then finish or hand back the current work.

        When ``stop`` is set, the call in progress ends, and no other begins.
        """
        self.sink.is_ending = stop.is_set
        repeat(self.step, stop, Pace(BEAT, wake=self.wake), "worker", sink=self.sink.name)
        self._is_ready = False
        with suppress(StoreUnavailable):  # their leases expire in that case
            while claims := self._taken_over():
                self._hand_back(claims)

    def step(self) -> bool:
        """Send one batch, and return whether to look again at once.

        Raises:
            StoreUnavailable: nothing was claimed; or a batch was sent and not recorded. Then the same deliveries are
                sent again under the same keys, when the lease has ended.
        """
        self._turned_at = time.monotonic()
        # The outbox is read regularly, however much is handed over, since its deliveries are older.
        has_looked = self._turned_at - self._looked_at < BEAT
        handed = self._unless_paused(self._taken_over()) if has_looked else []
        most = self._most()
        claims = self._in_doubt(handed or self._claimed(most))
        if not claims:
            return bool(self._handed)
        began = self._clock()
        outcomes = self._send(claims)
        ended = self._clock()
        self._learn(ended - began, outcomes)
        settled = self._decided(claims, outcomes, ended)
        pause_until = self._outbox.settle(self.sink.name, settled, began, ended)
        if any(one.outcome.happened not in _IN_ORDER for one in settled):
            self._is_ready = False  # until it has read whether the sink is paused
        self._report(settled, ended - began, pause_until)
        if handed and self._is_ready:
            return True
        return self._is_pressed(claims, most) and all(one.outcome.happened in _IN_ORDER for one in settled)

    def _decided(self, claims: Sequence[Claim], outcomes: Sequence[Outcome], now: float) -> list[Settlement]:
        is_over = any(map(shows_service_works, outcomes))  # an outage
        settled = []
        for claim, outcome in zip(claims, outcomes, strict=True):
            decision = decide(outcome, claim.tried, self._policy, now, self._jitter())
            settled.append(Settlement(claim, outcome, replace(decision, held_up=False) if is_over else decision))
        return settled

    def _jitter(self) -> float:
        """Draw the jitter of one delivery of a batch.

        If one delivery makes a service fail, the others must not meet it again. The jitter has few values: one
        statement settles all deliveries that are due at the same time.
        """
        return round(self._dice() * JITTER_STEPS) / JITTER_STEPS

    def _taken_over(self) -> list[Claim]:
        """Return the handed-over deliveries that the sink accepts in one call.

        They are in different lanes.
        """
        claims: list[Claim] = []
        size = 0
        while self._handed and len(claims) < self.sink.max_count:
            size += len(self._handed[0].parcel.payload)
            if claims and size > self.sink.max_bytes:
                break
            claims.append(self._handed.popleft())
        # A call begins only while its lease covers the longest time that it can take.
        late = [claim for claim in claims if claim.lease_expires_at < self._clock() + self.sink.patience]
        self._hand_back(late)
        return [claim for claim in claims if claim not in late] if late else claims

    def _unless_paused(self, claims: list[Claim]) -> list[Claim]:
        """Hand all claims back if the sink was paused meanwhile, or is probed."""
        if not claims or self._outbox.flows(self.sink.name, self._clock()):
            return claims
        self._is_ready = False
        self._hand_back(claims)
        return []

    def _hand_back(self, claims: Sequence[Claim]) -> None:
        self._outbox.hand_back(claims, self._clock())

    def _learn(self, seconds: float, outcomes: Sequence[Outcome]) -> None:
        """Update the average time of a delivery."""
        tried = sum(one.happened is not Happened.UNTRIED for one in outcomes)
        self._seconds_each = 0.7 * self._seconds_each + 0.3 * max(seconds, 0.0005) / max(tried, 1)

    def _claimed(self, most: int) -> list[Claim]:
        self._looked_at = time.monotonic()
        now = self._clock()
        is_due = self._outbox.is_due(self.sink.name, now)
        self._is_ready = not is_due and self._outbox.flows(self.sink.name, now)
        return self._outbox.claim(self.sink, now, self._lease, most) if is_due else []

    def _in_doubt(self, claims: list[Claim]) -> list[Claim]:
        """Record the doubt of claims that must not be sent twice.

        Returns the claims that are still valid.
        """
        if self.sink.knows_repeats:
            return claims
        once = [claim for claim in claims if not claim.mergeable]
        held = {claim.id for claim in self._outbox.doubt(once, self._clock())}
        return [claim for claim in claims if claim.mergeable or claim.id in held]

    def _is_pressed(self, claims: Sequence[Claim], most: int) -> bool:
        """Return whether to look again at once.

        After less than half of a batch the worker waits, so that a larger one gathers. With lanes, the next delivery of
        each lane waits behind the settled one.
        """
        if any(claim.parcel.lane is not None for claim in claims):
            return True
        size = sum(len(claim.parcel.payload) for claim in claims)
        return 2 * size > self.sink.max_bytes or 2 * len(claims) > most

    def _send(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        """Send the claims, and catch what the sink did not foresee.

        The worker must not end. Then the outcome of every claim is unknown.
        """
        try:
            outcomes = self.sink.send([claim.parcel for claim in claims])
        except Exception as error:  # noqa: BLE001 - see above
            unexpected("worker", error, sink=self.sink.name, event_id=claims[0].event_id)
            return [Outcome(Happened.UNKNOWN, detail=f"unexpected error: {type(error).__name__}")] * len(claims)
        if len(outcomes) != len(claims):
            return [Outcome(Happened.UNKNOWN, detail="unexpected error: not an outcome for each")] * len(claims)
        return outcomes

    def _report(self, settled: Sequence[Settlement], seconds: float, pause_until: float | None) -> None:
        sink = self.sink.name
        for one in settled:
            if one.decision.fate in _ENDED_BADLY:
                _log.error(
                    _ENDED_BADLY[one.decision.fate], sink=sink, event_id=one.claim.event_id, code=one.outcome.code
                )
        if pause_until is not None:
            self._report_pause(settled, pause_until)
        failed = [one for one in settled if one.outcome.happened in (Happened.FAILED, Happened.UNKNOWN)]
        if failed and (times := self._complaints.admits(sink)):
            code = failed[0].outcome.code
            reason = f"answered {code}" if code else ": ".join(failed[0].outcome.detail.splitlines())
            _log.warning(
                "not delivered, will be retried",
                sink=sink,
                failed=len(failed),
                times=times,
                reason=reason,
                event_id=failed[0].claim.event_id,
            )
        delivered = [one.claim.event_id for one in settled if one.decision.fate is Fate.DELIVERED]
        # One line per batch: at thousands a second, one per delivery would cost more than the delivery.
        for ids in portions(delivered, IDS_IN_A_LINE):
            _log.info("delivered", sink=sink, delivered=len(ids), seconds=round(seconds, 3), event_ids=ids)

    def _report_pause(self, settled: Sequence[Settlement], pause_until: float) -> None:
        """Log the beginning of a pause, once for all workers."""
        outcome = next(one.outcome for one in settled if one.decision.pause_until is not None)
        sink, until = self.sink.name, datetime.fromtimestamp(pause_until, UTC).isoformat(timespec="seconds")
        if outcome.happened in _WHY:
            direction = ending_at(sink)
            keys = direction.keys_check if direction else "the settings"
            reason = outcome.because or _WHY[outcome.happened].format(keys=keys)
            _log.error("sink paused", sink=sink, until=until, code=outcome.code, reason=reason)
        else:
            _log.info("sink waits for the rate limit", sink=sink, until=until)
