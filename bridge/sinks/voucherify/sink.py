"""Order of one ``send``: single calls, then bulk upserts, then looks at bulks under way."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus

from bridge.delivery.rules.sink import Job, Outcome, Parcel, never
from bridge.sinks.voucherify import bulk
from bridge.sinks.voucherify.calls import IDENTIFICATION, Call, Draft
from bridge.sinks.voucherify.doubt import look_up
from bridge.sinks.voucherify.permission import Permission
from bridge.sinks.voucherify.run import Run, as_outcome, happened
from bridge.sinks.voucherify.schemas import Schemas
from bridge.to_voucherify import SINK
from bridge.voucherify_api.client import Account, Client, Timing
from bridge.voucherify_api.endpoints import RECORD_EVENT


class VoucherifySink:
    """Upserts customers and records custom events.

    Args:
        app_id, secret_key: the project's API keys.
        url: address of the API, or of a service with the same protocol.
        allow: called before each call; returns the seconds to wait for a place in the budget of all workers.
        timing: the clock, and the time limits.
    """

    name = SINK
    knows_repeats = False  # a custom event that is posted twice is two events
    max_count = 1_000
    max_bytes = bulk.LARGEST_BYTES

    def __init__(
        self,
        app_id: str,
        secret_key: str,
        url: str,
        *,
        allow: Callable[[], float] = lambda: 0.0,
        timing: Timing = Timing(),  # noqa: B008 - it is frozen
    ) -> None:
        self.patience = timing.patience_seconds
        self._timing = timing
        self.is_ending: Callable[[], bool] = never
        self._client = Client(Account(app_id, secret_key, url), allow, timing, self._ends)
        self._schemas = Schemas()
        self._permission = Permission()
        self._looks = bulk.Looks()
        self._refusing: set[str] = set()
        """Names of events that Voucherify refuses with an identification."""

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        """Send parcels of different lanes, and return their outcomes."""
        until = self._timing.now() + self._timing.send_seconds
        run = Run(self._client, until)
        drafts = [Draft.of(place, parcel) for place, parcel in enumerate(parcels)]
        resources = sorted({draft.resource for draft in drafts if draft.resource})
        obstacles = {resource: self._schemas.obstacle(run, resource) for resource in resources}
        outcomes = {draft.place: obstacle for draft in drafts if (obstacle := obstacles.get(draft.resource or ""))}
        for place in outcomes:
            if job := parcels[place].job:
                outcomes[place] = bulk.under_way(job, run.now, "")
        calls = [draft.fitted(self._schemas) for draft in drafts if draft.place not in outcomes]
        jobs = _by_job(parcels, calls)
        new = [call for call in calls if parcels[call.place].job is None]
        together = self._together(new)
        alone = self._permission.in_turn([call for call in new if not (call.is_upsert and together)])
        # A bulk is the last, so that its id is stored at once. Single calls leave it the time of one call.
        run.until = until - self._timing.call_seconds if together or jobs else until
        outcomes |= {call.place: self._alone(run, call) for call in alone}
        run.until = until
        outcomes |= bulk.begin(run, together)
        for job, some in jobs.items():
            outcomes |= self._looks.outcomes(run, job, some)
        in_order = [outcomes[place] for place in range(len(parcels))]
        return _paused(self._permission.judged(parcels, in_order, accepted=run.accepted), run.pause)

    def _ends(self) -> bool:
        return self.is_ending()

    def _together(self, calls: Sequence[Call]) -> list[Call]:
        """Return the calls of the bulk.

        While the permission is in doubt, only those that must not be sent alone.
        """
        upserts = [call for call in calls if call.is_upsert]
        if self._permission.is_doubted and all(call.in_doubt_since is None for call in upserts):
            return []
        return upserts if bulk.is_worth_it(upserts) else []

    def probe(self) -> Outcome:
        """Ask whether Voucherify accepts the keys."""
        answer = self._client.probe()
        return as_outcome(happened(answer, repeatable=True), answer)

    def _alone(self, run: Run, call: Call) -> Outcome:
        if call.is_upsert:
            return bulk.one(run, call)
        if call.in_doubt_since is not None and (known := look_up(run, call, call.in_doubt_since)):
            return known
        return self._record(run, call)

    def _record(self, run: Run, call: Call) -> Outcome:
        """Post a custom event, with its identification if Voucherify accepts it."""
        if call.body["event"] in self._refusing and call.is_identified:
            call = call.without_identification()
        answer = run.call(RECORD_EVENT.request(content=call.content))
        if call.is_identified and answer.code == HTTPStatus.BAD_REQUEST and IDENTIFICATION in answer.text:
            call = call.without_identification()
            answer = run.call(RECORD_EVENT.request(content=call.content))
            if answer.is_success:
                self._refusing.add(call.body["event"])
        return run.outcome(answer, repeatable=False, note=call.note)


def _by_job(parcels: Sequence[Parcel], calls: Sequence[Call]) -> dict[Job, list[Call]]:
    jobs: dict[Job, list[Call]] = {}
    for call in calls:
        if job := parcels[call.place].job:
            jobs.setdefault(job, []).append(call)
    return jobs


def _paused(outcomes: list[Outcome], pause: float | None) -> list[Outcome]:
    """Report a pause that no parcel's own response asked for.

    It came with a schema.
    """
    if pause is None or not outcomes or any(one.pause is not None for one in outcomes):
        return outcomes
    return [*outcomes[:-1], replace(outcomes[-1], pause=pause)]
