"""Settings from the environment and ``.env``.

They are frozen. Every mistake is reported at once, by variable.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import environs
from dotenv import dotenv_values
from marshmallow import ValidationError, validate

from bridge import addresses, write_keys
from bridge import database_url as database_urls
from bridge.directions import DIRECTIONS, TO_SEGMENT, TO_VOUCHERIFY, Direction
from bridge.errors import ConfigError
from bridge.write_keys import WriteKey

LEVELS = ("debug", "info", "warning", "error")
_LEVEL = f"must be one of {', '.join(LEVELS)}"

SEGMENT_HOSTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
"""Addresses of Segment by region (Oregon, Dublin).

Source: https://segment.com/docs/guides/regional-segment/
"""

DAY = 86_400.0
SHORTEST_TOKEN = 16

VARIABLES = frozenset(
    {
        *(name for row in DIRECTIONS.values() for name in row.only_with.union(row.needed)),
        *("SEGMENT_REGION", "SEGMENT_HOST", "SEGMENT_GZIP", "VOUCHERIFY_API_URL", "VOUCHERIFY_RATE_LIMIT"),
        *("BRIDGE_DATABASE_URL", "BRIDGE_WORKER", "BRIDGE_ADMIN_TOKEN", "BRIDGE_RUN_DIR", "BRIDGE_LOG_LEVEL"),
        *("BRIDGE_MAX_BODY_BYTES", "BRIDGE_RETENTION_DAYS", "BRIDGE_MAX_AGE_DAYS", "BRIDGE_TRUSTED_HOSTS"),
    }
)
"""Names of all settings."""

PREFIXES = tuple(sorted({f"{name.partition('_')[0]}_" for name in VARIABLES}))
"""Prefixes of all settings, which other variables do not have."""

ALIKE = 0.8
"""Similarity from which on a name in ``.env`` is a misspelt setting."""


@dataclass(frozen=True, slots=True)
class ToSegment:
    """Settings of Voucherify → Segment.

    Attributes:
        write_key, host, gzip: the Segment source that receives events, and how.
        webhook_secrets: any of them may have signed a webhook.
    """

    write_key: str = field(repr=False)
    host: str
    gzip: bool
    webhook_secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToVoucherify:
    """Settings of Segment → Voucherify.

    Attributes:
        app_id, secret_key: the API keys; also the pair that a destination call must present.
        rate_limit: calls a minute of all workers together, or None.
        write_keys: any of them opens the tracking API, which is off without them.
        event_secrets: any of them may have signed raw events. Without them Segment's webhooks are off.
        mappings: the mapping file; the presets if None.
    """

    app_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    rate_limit: float | None
    write_keys: tuple[WriteKey, ...] = field(default=(), repr=False)
    event_secrets: tuple[str, ...] = field(default=(), repr=False)
    mappings: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of an operator; see docs/settings.md for the variables.

    Attributes:
        to_segment, to_voucherify: a field for each direction, by its key; None if it is off.
        voucherify_url: address of Voucherify's API.
        database_url: in SQLAlchemy's form.
        embedded_worker: whether a web process also delivers.
        max_body_bytes: limit of a request's body.
        max_age: seconds until a delivery that still fails becomes a dead letter.
        admin_token: opens the console, which is off without it.
        retention: seconds until settled events are deleted.
        log_level: the lowest level that is logged.
        run_dir: folder of locks and sockets of this host; chosen by ``Host.of`` if None.
        trusted_hosts: hosts that the console answers to; any if empty.
    """

    to_segment: ToSegment | None
    to_voucherify: ToVoucherify | None
    voucherify_url: str
    database_url: str = field(repr=False)
    embedded_worker: bool
    max_body_bytes: int
    max_age: float
    admin_token: str | None = field(default=None, repr=False)
    retention: float = 30 * DAY
    log_level: str = "info"
    run_dir: Path | None = None
    trusted_hosts: tuple[str, ...] = ()

    def is_on(self, direction: str) -> bool:
        """Return whether the direction with this key is on."""
        return getattr(self, direction) is not None

    @classmethod
    def from_env(cls) -> "Settings":
        """Read the settings from the environment and ``.env``.

        ``.env`` is in the working directory or the next one above.

        Raises:
            ConfigError: names every wrong or missing variable, with the right form.
        """
        env = _environment()
        names = set[str]().union(*map(_names, DIRECTIONS.values()))
        present = {name for name in names if (env.str(name, "") or "").strip(" ,")}
        settings = _read(env, present)
        if problems := _missing(present) | _problems(env):
            raise ConfigError(problems)
        return settings


def in_words(error: ConfigError) -> str:
    """Return the text of an error: one line, or a line per setting."""
    if len(error.problems) == 1:
        return f"{error} (`bridge check` reports more)"
    return f"some settings are wrong; `bridge check` reports more.\n{error}"


def unknown() -> dict[str, str]:
    """Return names that look like settings and are none, with the closest setting.

    They are names of the environment and ``.env``. Without a close setting, the value is "".

    Raises:
        ConfigError: ``.env`` cannot be read.
    """
    in_file = dotenv_values(path).keys() if (path := _read_dot_env(environs.Env())) else set()
    prefixed = {name for name in {*os.environ, *in_file} if name.startswith(PREFIXES)}
    misspelt = {name for name in in_file if get_close_matches(name.upper(), VARIABLES, 1, ALIKE)}
    strangers = sorted((prefixed | misspelt) - VARIABLES)
    return {name: next(iter(get_close_matches(name.upper(), VARIABLES, 1)), "") for name in strangers}


def database_url() -> str:
    """Return ``BRIDGE_DATABASE_URL`` alone, for commands that only read.

    Raises:
        ConfigError: it is wrong.
    """
    env = _environment()
    url = _read_database_url(env)
    if problems := _problems(env):
        raise ConfigError(problems)
    return url


def mapping_file() -> Path | None:
    """Return ``BRIDGE_MAPPINGS`` alone, for commands that translate.

    Raises:
        ConfigError: ``.env`` cannot be read.
    """
    return _read_mapping_file(_environment())


def run_dir() -> Path | None:
    """Return ``BRIDGE_RUN_DIR`` alone, for commands that wake workers.

    Raises:
        ConfigError: ``.env`` cannot be read.
    """
    return _path(_environment(), "BRIDGE_RUN_DIR")


def webhook_secrets() -> tuple[str, ...]:
    """Return ``VOUCHERIFY_WEBHOOK_SECRET`` alone, for commands that sign.

    Raises:
        ConfigError: ``.env`` cannot be read.
    """
    return _several(_environment(), "VOUCHERIFY_WEBHOOK_SECRET")


def _environment() -> environs.Env:
    env = environs.Env(eager=False)
    _read_dot_env(env)
    return env


def _read_dot_env(env: environs.Env) -> str | None:
    """Read ``.env`` into the environment, and return its path if it exists."""
    try:
        return cast("str | None", env.read_env(".env", recurse=True, return_path=True))
    except (OSError, ValueError) as error:
        raise ConfigError({".env": f"cannot be read ({type(error).__name__})"}) from error


def _problems(env: environs.Env) -> dict[str, str]:
    try:
        env.seal()
    except environs.EnvValidationError as error:
        texts = cast("Mapping[str, list[str]]", error.error_messages)
        return {name: " ".join(lines) for name, lines in texts.items()}
    return {}


def _read_database_url(env: environs.Env) -> str:
    return database_urls.plain(env.str("BRIDGE_DATABASE_URL", "sqlite:///bridge.db", validate=_database_url) or "")


def _read_mapping_file(env: environs.Env) -> Path | None:
    return _path(env, "BRIDGE_MAPPINGS")


def _path(env: environs.Env, name: str) -> Path | None:
    text = (env.str(name, "") or "").strip()
    return Path(text).absolute() if text else None


def _missing(present: set[str]) -> dict[str, str]:
    """Return the problem of each required variable that is missing.

    Half a direction is a mistake. Without any direction, the first counts as wanted, and the text names all.
    """
    first, *others = DIRECTIONS.values()
    wanted = [direction for direction in DIRECTIONS.values() if present & _names(direction)]
    alone = (f"{' and '.join(other.needed)}: the other direction alone" for other in others)
    instead = "" if wanted else f" (or set {'; or '.join(alone)})"
    return {
        name: f"needed: {what}{instead}"
        for direction in wanted or [first]
        for name, what in direction.needed.items()
        if name not in present
    }


def _names(direction: Direction) -> frozenset[str]:
    """Return the settings that only one direction uses."""
    return direction.only_with.union(direction.needed)


def _read(env: environs.Env, present: set[str]) -> Settings:
    worker = env.str(
        "BRIDGE_WORKER",
        "embedded",
        validate=validate.OneOf(("embedded", "external"), error="must be embedded or external"),
    )
    parts = {key: read(env) for key, read in READERS.items()}
    return Settings(
        **{key: part if DIRECTIONS[key].needed.keys() <= present else None for key, part in parts.items()},
        voucherify_url=addresses.api(_url(env, "VOUCHERIFY_API_URL", "https://api.voucherify.io")),
        database_url=_read_database_url(env),
        embedded_worker=worker == "embedded",
        max_body_bytes=env.int("BRIDGE_MAX_BODY_BYTES", 1_048_576, validate=_POSITIVE),
        max_age=DAY * (env.float("BRIDGE_MAX_AGE_DAYS", 7.0, validate=_POSITIVE) or 0.0),
        admin_token=(env.str("BRIDGE_ADMIN_TOKEN", "", validate=_admin_token) or "").strip() or None,
        retention=DAY * (env.float("BRIDGE_RETENTION_DAYS", 30.0, validate=_POSITIVE) or 0.0),
        log_level=env.str("BRIDGE_LOG_LEVEL", "info", validate=validate.OneOf(LEVELS, error=_LEVEL)) or "",
        run_dir=_path(env, "BRIDGE_RUN_DIR"),
        trusted_hosts=_several(env, "BRIDGE_TRUSTED_HOSTS", addresses.check_hosts),
    )


def _to_segment(env: environs.Env) -> ToSegment:
    region = env.str("SEGMENT_REGION", "us", validate=validate.OneOf(SEGMENT_HOSTS, error="must be us or eu"))
    return ToSegment(
        write_key=(env.str("SEGMENT_WRITE_KEY", "") or "").strip(),
        host=_url(env, "SEGMENT_HOST", SEGMENT_HOSTS.get(region, "")),
        gzip=env.bool("SEGMENT_GZIP", False),
        webhook_secrets=_several(env, "VOUCHERIFY_WEBHOOK_SECRET"),
    )


def _to_voucherify(env: environs.Env) -> ToVoucherify:
    return ToVoucherify(
        app_id=(env.str("VOUCHERIFY_APP_ID", "") or "").strip(),
        secret_key=(env.str("VOUCHERIFY_SECRET_KEY", "") or "").strip(),
        rate_limit=env.float("VOUCHERIFY_RATE_LIMIT", None, validate=_POSITIVE),
        write_keys=tuple(map(write_keys.parse, _several(env, "BRIDGE_WRITE_KEYS", _write_keys))),
        event_secrets=_several(env, "SEGMENT_WEBHOOK_SECRET"),
        mappings=_read_mapping_file(env),
    )


READERS: Mapping[str, Callable[[environs.Env], Any]] = {TO_SEGMENT: _to_segment, TO_VOUCHERIFY: _to_voucherify}
"""Reader of each direction's settings."""


def _several(
    env: environs.Env, name: str, validate: Callable[[Sequence[str]], None] = lambda _: None
) -> tuple[str, ...]:
    """Return the values of a comma-separated list; none if ``validate`` refuses them."""
    texts: list[str] | None = env.list(name, [], validate=lambda found: validate(_filled(found)))
    return _filled(texts or ())


def _filled(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if text.strip())


def _write_keys(texts: Sequence[str]) -> None:
    try:
        for text in texts:
            write_keys.parse(text)
    except ValueError as error:
        raise ValidationError(f"must be a list of write keys, each as {error}") from error


_POSITIVE = validate.Range(min=0, min_inclusive=False, error="must be a number above 0")


def _url(env: environs.Env, name: str, default: str) -> str:
    return addresses.plain(env.str(name, default, validate=addresses.check) or "")


def _admin_token(text: str) -> None:
    """Refuse a short admin token.

    Visitors of the console receive a text that is signed with it, and could guess a short one.
    """
    if 0 < len(text.strip()) < SHORTEST_TOKEN:
        raise ValidationError(f"must have at least {SHORTEST_TOKEN} characters, for example from openssl rand -hex 16")


def _database_url(text: str) -> None:
    if problem := database_urls.problem(text):
        raise ValidationError(problem)
