"""The request of a parcel."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Self

from bridge import json_text
from bridge.delivery.rules.sink import Parcel
from bridge.sinks.voucherify.schemas import Schemas
from bridge.to_voucherify.merge import merge
from bridge.to_voucherify.metadata import LeftOut

CUSTOMERS, EVENTS = "/v1/customers", "/v1/events"

RESOURCES = {CUSTOMERS: "customer", EVENTS: "event"}
"""Resource whose metadata schema applies, by path."""

IDENTIFICATION = "bridge_id"
"""Metadata key of a custom event that identifies it.

Voucherify has no idempotency key.
"""

_IDENTIFICATION_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Call:
    """A request for a parcel and its followers.

    Attributes:
        place: of the parcel among those that are sent together.
        body: as it will be sent.
        identification: of the delivery. A custom event has it in its metadata, if the project's schema admits it.
        in_doubt_since: as in ``Parcel``.
        note: which fields and which metadata were left out, and why; "" if none were.
    """

    place: int
    path: str
    body: dict[str, Any]
    identification: str
    in_doubt_since: float | None
    note: str

    @property
    def is_upsert(self) -> bool:
        """Whether it may be repeated, and sent in a bulk."""
        return self.path == CUSTOMERS

    @property
    def is_identified(self) -> bool:
        """Whether its metadata has its identification."""
        return IDENTIFICATION in self.body.get("metadata", {})

    @property
    def content(self) -> bytes:
        """Body as JSON."""
        return json_text.write(self.body)

    @property
    def source_id(self) -> str:
        """The customer's ``source_id``."""
        return str((self.body if self.is_upsert else self.body["customer"])["source_id"])

    def without_identification(self) -> Self:
        """Return the call for a project that refuses the identification."""
        metadata = {key: value for key, value in self.body["metadata"].items() if key != IDENTIFICATION}
        note = f"{self.note}\nwithout {IDENTIFICATION}: Voucherify refuses it".strip()
        return replace(self, body=self.body | {"metadata": metadata}, note=note)


@dataclass(frozen=True, slots=True)
class Draft:
    """A call whose metadata is not fitted to the project's schema yet.

    Attributes:
        bodies: the parcel's, then its followers'.
        left_out: fields that none of them has, by dotted path, with the reason.
        resource: the resource of its schema; None if it has no metadata.
    """

    place: int
    path: str
    bodies: Sequence[dict[str, Any]]
    left_out: LeftOut
    resource: str | None
    identification: str
    in_doubt_since: float | None

    @classmethod
    def of(cls, place: int, parcel: Parcel) -> Self:
        """Read the draft from a parcel."""
        requests = [json.loads(payload) for payload in (parcel.payload, *parcel.followers)]
        path, bodies = requests[0]["path"], [one["body"] for one in requests]
        name = sha256(parcel.key.encode()).hexdigest()[:_IDENTIFICATION_LENGTH]
        if path == EVENTS:
            bodies = [body | {"metadata": {**(body.get("metadata") or {}), IDENTIFICATION: name}} for body in bodies]
        left_out = {field: reason for one in requests for field, reason in one.get("left_out", {}).items()}
        resource = RESOURCES[path] if any(body.get("metadata") for body in bodies) else None
        return cls(place, path, bodies, left_out, resource, name, parcel.in_doubt_since)

    def fitted(self, schemas: Schemas) -> Call:
        """Fit each body to the schema, then merge them.

        In the other order, a value that does not fit would replace an earlier one that fits, and both would be lost.
        """
        left_out: LeftOut = {}
        bodies = []
        for body in self.bodies:
            if self.resource and body.get("metadata"):
                metadata, unfit = schemas.fit(self.resource, body["metadata"])
                body = body | {"metadata": metadata}  # noqa: PLW2901 - the payload's own stays as it is
                left_out |= unfit
            bodies.append(body)
        kinds = (("left out", self.left_out), ("metadata left out", left_out))
        note = "\n".join(_note(kind, fields) for kind, fields in kinds if fields)
        return Call(self.place, self.path, merge(bodies), self.identification, self.in_doubt_since, note)


def _note(kind: str, left_out: LeftOut) -> str:
    return f"{kind}: " + "; ".join(f"{path} ({reason})" for path, reason in left_out.items())
