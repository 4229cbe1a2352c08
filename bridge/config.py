"""The settings, from the environment and ``.env``: frozen, and every mistake reported at once, by variable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import environs
from marshmallow import ValidationError, validate
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bridge.errors import ConfigError

SEGMENT_HOSTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
"""By region (Oregon, Dublin). Source: https://segment.com/docs/guides/regional-segment/"""

DAY = 86_400.0

NEEDED = {
    "SEGMENT_WRITE_KEY": "needed: the write key of the Segment source that receives the events",
    "VOUCHERIFY_WEBHOOK_SECRET": "needed: the webhook secret of the Voucherify project",
}
"""What Voucherify → Segment cannot do without. One without the other is a mistake."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides; see the README for the variables.

    Attributes:
        write_key, segment_host, segment_gzip: the Segment source that receives events, and how.
        webhook_secrets: any of them may have signed a webhook.
        voucherify_url: Voucherify's API.
        database_url: SQLAlchemy's.
        embedded_worker: whether every web process also delivers.
        max_body_bytes: a larger request is refused.
        max_age: seconds until a delivery that keeps failing is a dead letter.
    """

    write_key: str = field(repr=False)
    segment_host: str
    segment_gzip: bool
    webhook_secrets: tuple[str, ...] = field(repr=False)
    voucherify_url: str
    database_url: str = field(repr=False)
    embedded_worker: bool
    max_body_bytes: int
    max_age: float

    @classmethod
    def from_env(cls) -> "Settings":
        """Read the environment; what it lacks, from ``.env`` in the working directory or the next one above.

        Raises:
            ConfigError: names every variable that is wrong or missing, and what would be right.
        """
        env = environs.Env(eager=False)
        env.read_env(".env", recurse=True)
        settings = _read(env)
        problems: dict[str, str] = {}
        try:
            env.seal()
        except environs.EnvValidationError as error:
            texts = cast("Mapping[str, list[str]]", error.error_messages)
            problems = {name: " ".join(lines) for name, lines in texts.items()}
        given = {"SEGMENT_WRITE_KEY": settings.write_key, "VOUCHERIFY_WEBHOOK_SECRET": settings.webhook_secrets}
        problems |= {name: NEEDED[name] for name, value in given.items() if not value and name not in problems}
        if problems:
            raise ConfigError(problems)
        return settings


def _read(env: environs.Env) -> Settings:
    region = env.str("SEGMENT_REGION", "us", validate=validate.OneOf(SEGMENT_HOSTS, error="must be us or eu"))
    worker = env.str(
        "BRIDGE_WORKER",
        "embedded",
        validate=validate.OneOf(("embedded", "external"), error="must be embedded or external"),
    )
    secrets: list[str] | None = env.list("VOUCHERIFY_WEBHOOK_SECRET", [])
    return Settings(
        write_key=(env.str("SEGMENT_WRITE_KEY", "") or "").strip(),
        segment_host=_url(env, "SEGMENT_HOST", SEGMENT_HOSTS.get(region, "")),
        segment_gzip=env.bool("SEGMENT_GZIP", False),
        webhook_secrets=tuple(secret.strip() for secret in secrets or () if secret.strip()),
        voucherify_url=_url(env, "VOUCHERIFY_API_URL", "https://api.voucherify.io"),
        database_url=env.str("BRIDGE_DATABASE_URL", "sqlite:///bridge.db", validate=_database_url),
        embedded_worker=worker == "embedded",
        max_body_bytes=env.int("BRIDGE_MAX_BODY_BYTES", 1_048_576, validate=_POSITIVE),
        max_age=DAY * (env.float("BRIDGE_MAX_AGE_DAYS", 7.0, validate=_POSITIVE) or 0.0),
    )


_POSITIVE = validate.Range(min=0, min_inclusive=False, error="must be a number above 0")
_WEB = validate.URL(schemes={"http", "https"}, require_tld=False, error="must be an address like https://example.com")


def _url(env: environs.Env, name: str, default: str) -> str:
    return (env.str(name, default, validate=_WEB) or "").rstrip("/")


def _database_url(text: str) -> None:
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise ValidationError("must be like sqlite:///bridge.db or postgresql://user:password@host/name")
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValidationError("must name a file: what SQLite keeps in memory is lost when the process ends")
