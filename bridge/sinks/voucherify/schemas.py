"""Metadata schemas of the project, read from Voucherify and cached.

The API documents no resource with the schema of a custom event's metadata. The bridge asks for it nevertheless. Where
there is none, all metadata passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bridge.delivery.rules.sink import Happened, Outcome
from bridge.sinks.voucherify.run import Run, happened
from bridge.to_voucherify.metadata import LeftOut, Schema, fit
from bridge.voucherify_api.answers import Answer
from bridge.voucherify_api.endpoints import METADATA_SCHEMA, Request

SECONDS_KEPT = 300.0
"""Seconds until a schema is read again."""


@dataclass(frozen=True, slots=True)
class _Known:
    schema: Schema | None
    at: float


class Schemas:
    """Cache of the metadata schemas."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def obstacle(self, run: Run, resource: str) -> Outcome | None:
        """Read the schema if it is unknown, and return what prevents that, or None.

        An older schema is used if it cannot be read again. A schema that the keys must not read counts as none.
        """
        known = self._known.get(resource)
        if known and run.now - known.at < SECONDS_KEPT:
            return None
        answers = _read(run, resource)
        unread = next((answer for answer in answers.values() if not _is_told(answer)), None)
        if unread and known is None:
            return run.outcome(unread, repeatable=True, note=f"the {resource} metadata schema cannot be read")
        schema = known.schema if unread and known else _parse(resource, answers)
        self._known[resource] = _Known(schema, run.now)
        return None

    def fit(self, resource: str, metadata: Mapping[str, Any]) -> tuple[dict[str, Any], LeftOut]:
        """Return the metadata that fits the schema, and the fields that were left out."""
        return fit(metadata, self._known[resource].schema)


def _read(run: Run, resource: str) -> dict[str, Answer]:
    """Read a schema, and those of its nested objects."""
    first = run.call(_asking_for(resource))
    nested = Schema.parse(first.json()).object_types if first.is_success else ()
    return {resource: first} | {name: run.call(_asking_for(name)) for name in sorted(nested)}


def _asking_for(resource: str) -> Request:
    return METADATA_SCHEMA.request(quote(resource, safe=""))


def _is_told(answer: Answer) -> bool:
    """Return whether the response settles the question of the schema.

    Voucherify has returned it, or has none, or does not let the bridge read it.
    """
    return happened(answer, repeatable=True) in (Happened.DELIVERED, Happened.REJECTED, Happened.FORBIDDEN)


def _parse(resource: str, answers: Mapping[str, Answer]) -> Schema | None:
    objects = {name: Schema.parse(answer.json()) for name, answer in answers.items() if answer.is_success}
    return Schema.parse(answers[resource].json(), objects) if resource in objects else None
