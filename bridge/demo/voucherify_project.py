"""The data of a Voucherify project: customers, events, activities and jobs.

It has no HTTP. Shapes are those of Voucherify's published OpenAPI files (customers, events, async-actions,
metadata-schemas).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bridge.demo.metadata_schemas import misfit

Json = dict[str, Any]

BULK_BYTES = 10_485_760
"""Source: the example of a 413 at ``POST /v1/customers/bulk/async``."""

REPORT_SECONDS = 30 * 86_400.0
"""The time for which a job's report is available."""


class Refused(Exception):
    """A request that the project rejects, with the content of Voucherify's error."""

    def __init__(self, code: int, key: str, message: str, details: str, **more: str) -> None:
        self.code = code
        self.content = {"code": code, "key": key, "message": message, "details": details, **more}
        super().__init__(details)


@dataclass
class Job:
    """An async action. Bulk updates are done one after the other, in order."""

    id: str
    bodies: Sequence[Json]
    polls_left: int
    created_at: str
    result: Json | None = None


@dataclass
class Project:
    """The data of a project.

    Attributes:
        schemas: metadata schemas by resource, as ``metadata_schema`` makes them.
        unwanted: by ``source_id`` of a customer that is rejected: the reason.
        polls: how often a job is read before it is done.
        customers: by ``source_id``, in the order of arrival, in the form in which a caller sends them.
        events: the bodies of all custom events, in the order of arrival, repeats included.
        activities: by ``source_id``, oldest first.
        jobs: by id, in the order of the queue.
    """

    schemas: dict[str, Json] = field(default_factory=dict)
    unwanted: dict[str, str] = field(default_factory=dict)
    polls: int = 1
    clock: Callable[[], float] = time.time
    customers: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    activities: dict[str, list[Json]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def upsert(self, body: Json) -> None:
        """Create or change a customer.

        Values replace values, objects change key by key, null clears, and the rest stays.
        """
        source_id = self._accepted_id(body)
        self._check_metadata("customer", body.get("metadata") or {})
        stored = self.customers.setdefault(source_id, {})
        kind = "customer.updated" if stored else "customer.created"
        for key, value in body.items():
            stored[key] = _without_nulls({**stored.get(key, {}), **value}) if isinstance(value, dict) else value
        self.customers[source_id] = _without_nulls(stored)
        self._record_activity(source_id, kind, {"customer": self.simple(source_id)})

    def track(self, body: Json) -> Json:
        """Record a custom event, and create its customer if needed."""
        name, customer = body.get("event"), body.get("customer")
        if not isinstance(name, str) or not 1 <= len(name) <= 300:  # noqa: PLR2004 - as the OpenAPI file says
            raise Refused(400, "invalid_payload", "Invalid payload", "event must be a text of 1 to 300 characters")
        source_id = self._accepted_id(customer if isinstance(customer, dict) else {})
        metadata = body.get("metadata") or {}
        self._check_metadata("event", metadata)
        self.customers.setdefault(source_id, {"source_id": source_id})
        self.events.append(body)
        fields = {"object": "event", "type": name, "customer": self.simple(source_id), "metadata": metadata}
        event = {
            "id": f"event_{len(self.events)}",
            **fields,
            "referral": body.get("referral") or {},
            "loyalty": body.get("loyalty") or {},
            "created_at": iso(self.clock()),
        }
        schema = {"id": "ms_event", "name": name}
        data = {
            "event": event,
            "event_schema": schema,
            "customer": fields["customer"],
            "referral": None,
            "loyalty": None,
        }
        self._record_activity(source_id, "customer.custom_event", data)
        return {**fields, "referral": None, "loyalty": None}

    def enqueue(self, bodies: Sequence[Json]) -> str:
        """Add a bulk update to the queue, and return its id."""
        job = Job(f"aa_{len(self.jobs) + 1:018x}", bodies, self.polls, iso(self.clock()))
        self.jobs[job.id] = job
        return job.id

    def look_at(self, job_id: str) -> Json:
        """Return a job as the API shows it.

        When it was read often enough, it and all jobs before it are done.
        """
        if (job := self.jobs.get(job_id)) is None:
            raise not_found("async_action", job_id)
        if job.polls_left > 0:
            job.polls_left -= 1
        else:
            self.work_off(job_id)
        done = job.result is not None
        fields = {"id": job.id, "type": "CUSTOMERS.BULK_UPDATE", "status": "DONE" if done else "IN_PROGRESS"}
        outcome = {"operation_status": "SUCCESS", "result": job.result} if done else {}
        times = {"created_at": job.created_at, "updated_at": iso(self.clock()), "processing_time": 725}
        return {**fields, **outcome, **times, "progress": 100 if done else 0, "object": "async_action"}

    def work_off(self, last: str = "") -> None:
        """Do the jobs in the queue, up to the job ``last``."""
        for job in self.jobs.values():
            if job.result is None:
                job.result = self._work(job.bodies)
            if job.id == last:
                return

    def simple(self, source_id: str) -> Json:
        """Return a customer as other objects quote it.

        Unknown values are left out.
        """
        stored = self.customers[source_id]
        quoted: Json = {key: stored[key] for key in ("name", "email", "metadata") if key in stored}
        return {"metadata": {}, **quoted, "id": customer_id(source_id), "source_id": source_id, "object": "customer"}

    def _work(self, bodies: Sequence[Json]) -> Json:
        errors = []
        for body in bodies:
            try:
                self.upsert(body)
            except Refused as refused:
                fields = {key: refused.content[key] for key in ("key", "message", "details")}
                errors.append({"source_id": str(body.get("source_id", "")), **fields})
        counts = {"done_count": len(bodies) - len(errors), "failed_count": len(errors)}
        till = iso(self.clock() + REPORT_SECONDS)
        return {**counts, "reports": [], "reports_available_till": till, "errors": errors}

    def _accepted_id(self, customer: Json) -> str:
        source_id = customer.get("source_id")
        if not isinstance(source_id, str) or not source_id:
            raise Refused(400, "invalid_payload", "Invalid payload", "source_id is required")
        if source_id in self.unwanted:
            raise Refused(400, "invalid_customer", "Invalid customer", self.unwanted[source_id])
        return source_id

    def _check_metadata(self, resource: str, metadata: Json) -> None:
        wrong = misfit(self.schemas[resource], metadata) if resource in self.schemas else ""
        if wrong:
            raise Refused(400, "invalid_metadata", "Invalid metadata", wrong)

    def _record_activity(self, source_id: str, kind: str, data: Json) -> None:
        activities = self.activities.setdefault(source_id, [])
        number = sum(map(len, self.activities.values())) + 1
        source = {"channel": "API"}
        activities.append(
            {
                "id": f"evcus_{number:018x}",
                "type": kind,
                "data": {"data": data, "event_source": source},
                "created_at": iso(self.clock()),
                "group_id": f"v-{number:018x}",
            }
        )


def not_found(resource: str, name: str) -> Refused:
    """Return the error for a missing object."""
    details = f"Cannot find {resource} with id {name}"
    return Refused(404, "not_found", "Resource not found", details, resource_id=name, resource_type=resource)


def customer_id(source_id: str) -> str:
    """Return the id that Voucherify gives to a customer."""
    return f"cust_{source_id}"


def iso(at: float) -> str:
    """Format epoch seconds as Voucherify does."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_nulls(stored: Json) -> Json:
    return {key: value for key, value in stored.items() if value is not None}
