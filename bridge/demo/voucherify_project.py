"""What a Voucherify project holds, as far as the bridge can see it: customers, events, activities, jobs. No HTTP here.

Shapes are those of Voucherify's published OpenAPI files (customers, events, async-actions, metadata-schemas).
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
"""How long the report of a job can be fetched."""


class Refused(Exception):
    """The project does not take it; says so in the form of Voucherify's errors."""

    def __init__(self, code: int, key: str, message: str, details: str, **more: str) -> None:
        self.code = code
        self.said = {"code": code, "key": key, "message": message, "details": details, **more}
        super().__init__(details)


@dataclass
class Job:
    """An async action: bulk updates wait in one queue and are done in their order."""

    id: str
    bodies: Sequence[Json]
    polls_left: int
    created_at: str
    result: Json | None = None


@dataclass
class Project:
    """The state.

    Attributes:
        schemas: metadata schemas by resource, as ``metadata_schema`` makes them.
        unwanted: customers that are not taken, by ``source_id``, and what is wrong with them.
        polls: how often a job is looked at in vain before it is done.
        customers: by ``source_id``, in the order of their first arrival; as a caller would have to send them.
        events: the bodies of all custom events, in the order of arrival; one that came twice is here twice.
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
        """Create or change a customer: what is sent replaces, metadata key by key; null clears; the rest stays."""
        source_id = self._wanted(body)
        self._fitting("customer", body.get("metadata") or {})
        known = self.customers.setdefault(source_id, {})
        kind = "customer.updated" if known else "customer.created"
        for key, value in body.items():
            known[key] = _without_nulls({**known.get(key, {}), **value}) if isinstance(value, dict) else value
        self.customers[source_id] = _without_nulls(known)
        self._happened(source_id, kind, {"customer": self.simple(source_id)})

    def track(self, body: Json) -> Json:
        """Record a custom event, and create its customer if there is none."""
        name, customer = body.get("event"), body.get("customer")
        if not isinstance(name, str) or not 1 <= len(name) <= 300:  # noqa: PLR2004 - as the OpenAPI file says
            raise Refused(400, "invalid_payload", "Invalid payload", "event must be a text of 1 to 300 characters")
        source_id = self._wanted(customer if isinstance(customer, dict) else {})
        metadata = body.get("metadata") or {}
        self._fitting("event", metadata)
        self.customers.setdefault(source_id, {"source_id": source_id})
        self.events.append(body)
        told = {"object": "event", "type": name, "customer": self.simple(source_id), "metadata": metadata}
        event = {
            "id": f"event_{len(self.events)}",
            **told,
            "referral": body.get("referral") or {},
            "loyalty": body.get("loyalty") or {},
            "created_at": iso(self.clock()),
        }
        schema = {"id": "ms_event", "name": name}
        data = {"event": event, "event_schema": schema, "customer": told["customer"], "referral": None, "loyalty": None}
        self._happened(source_id, "customer.custom_event", data)
        return {**told, "referral": None, "loyalty": None}

    def enqueue(self, bodies: Sequence[Json]) -> str:
        """Put a bulk update into the queue; returns its id."""
        job = Job(f"aa_{len(self.jobs) + 1:018x}", bodies, self.polls, iso(self.clock()))
        self.jobs[job.id] = job
        return job.id

    def look_at(self, job_id: str) -> Json:
        """A job as its asker sees it; looked at often enough, it and all before it are done."""
        if (job := self.jobs.get(job_id)) is None:
            raise not_found("async_action", job_id)
        if job.polls_left > 0:
            job.polls_left -= 1
        else:
            self.work_off(job_id)
        done = job.result is not None
        told = {"id": job.id, "type": "CUSTOMERS.BULK_UPDATE", "status": "DONE" if done else "IN_PROGRESS"}
        outcome = {"operation_status": "SUCCESS", "result": job.result} if done else {}
        times = {"created_at": job.created_at, "updated_at": iso(self.clock()), "processing_time": 725}
        return {**told, **outcome, **times, "progress": 100 if done else 0, "object": "async_action"}

    def work_off(self, last: str = "") -> None:
        """Do what is in the queue, to the job ``last``."""
        for job in self.jobs.values():
            if job.result is None:
                job.result = self._work(job.bodies)
            if job.id == last:
                return

    def simple(self, source_id: str) -> Json:
        """A customer as other objects quote it; what is not known is not there."""
        known = self.customers[source_id]
        quoted: Json = {key: known[key] for key in ("name", "email", "metadata") if key in known}
        return {"metadata": {}, **quoted, "id": customer_id(source_id), "source_id": source_id, "object": "customer"}

    def _work(self, bodies: Sequence[Json]) -> Json:
        errors = []
        for body in bodies:
            try:
                self.upsert(body)
            except Refused as refused:
                told = {key: refused.said[key] for key in ("key", "message", "details")}
                errors.append({"source_id": str(body.get("source_id", "")), **told})
        counts = {"done_count": len(bodies) - len(errors), "failed_count": len(errors)}
        till = iso(self.clock() + REPORT_SECONDS)
        return {**counts, "reports": [], "reports_available_till": till, "errors": errors}

    def _wanted(self, customer: Json) -> str:
        source_id = customer.get("source_id")
        if not isinstance(source_id, str) or not source_id:
            raise Refused(400, "invalid_payload", "Invalid payload", "source_id is required")
        if source_id in self.unwanted:
            raise Refused(400, "invalid_customer", "Invalid customer", self.unwanted[source_id])
        return source_id

    def _fitting(self, resource: str, metadata: Json) -> None:
        wrong = misfit(self.schemas[resource], metadata) if resource in self.schemas else ""
        if wrong:
            raise Refused(400, "invalid_metadata", "Invalid metadata", wrong)

    def _happened(self, source_id: str, kind: str, data: Json) -> None:
        told = self.activities.setdefault(source_id, [])
        number = sum(map(len, self.activities.values())) + 1
        source = {"channel": "API"}
        told.append(
            {
                "id": f"evcus_{number:018x}",
                "type": kind,
                "data": {"data": data, "event_source": source},
                "created_at": iso(self.clock()),
                "group_id": f"v-{number:018x}",
            }
        )


def not_found(resource: str, name: str) -> Refused:
    """There is no such thing."""
    details = f"Cannot find {resource} with id {name}"
    return Refused(404, "not_found", "Resource not found", details, resource_id=name, resource_type=resource)


def customer_id(source_id: str) -> str:
    """The id that Voucherify gives a customer."""
    return f"cust_{source_id}"


def iso(at: float) -> str:
    """Epoch seconds as Voucherify writes them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_nulls(known: Json) -> Json:
    return {key: value for key, value in known.items() if value is not None}
