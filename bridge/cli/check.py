"""``bridge check``: checks of settings, database and both services."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import click

from bridge.cli.checking.finding import Finding
from bridge.cli.checking.reaching import reached
from bridge.cli.checking.standing import VOUCHERIFYS_KEYS, database_finding, standing_still
from bridge.cli.printing import json_option, print_json, table
from bridge.deadline import within
from bridge.delivery.database.engine import Database
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.directions import DIRECTIONS
from bridge.errors import ConfigError, InvalidMappings
from bridge.host import VARIABLE as RUN_DIR
from bridge.host import folder_problem, planned_folder
from bridge.intake import is_elsewhere
from bridge.mapping_file import VARIABLE, read
from bridge.settings import DAY, Settings, ToVoucherify, database_url, mapping_file, unknown
from bridge.sinks.voucherify import VoucherifySink
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.to_voucherify.raw_events.presets import PRESETS

PROBE_SECONDS = 15.0
"""Seconds of the call that shows whether Voucherify accepts the keys."""

DATABASE_SECONDS = 30.0
"""Seconds of the check of the database. Each of PostgreSQL's hosts has five to answer."""

QUOTES = "\"'`\u201c\u201d\u2018\u2019"
"""Straight quotes, and those of word processors."""


@click.command(short_help="Check settings, database and both services.")
@json_option
def check(as_json: bool) -> None:
    """Check every setting, the database, and the addresses of Segment and Voucherify.

    The command creates nothing, and skips directions that are off. It exits with 1 if anything is wrong.
    """
    findings = list(_findings())
    if as_json:
        print_json(findings)
    else:
        columns = ("", "", "result", "what to do")
        table("The bridge's set-up", columns, [(one.what, one.verdict, one.detail, one.remedy) for one in findings])
    if any(one.verdict == "wrong" for one in findings):
        raise SystemExit(1)


def _findings() -> Iterator[Finding]:
    try:
        yield from (Finding(name, "warning", "not a setting", _meant(meant)) for name, meant in unknown().items())
        settings = Settings.from_env()
    except ConfigError as error:
        yield from (Finding(name, "wrong", problem, _remedy(name)) for name, problem in sorted(error.problems.items()))
        if ".env" not in error.problems and isinstance(wrong := _read_mappings(mapping_file()), Finding):
            yield wrong
        if not error.problems.keys() & {".env", "BRIDGE_DATABASE_URL"}:
            yield _database(database_url())
        return
    database = _database(settings.database_url)
    standing = {one.what: one for one in _standing(settings)} if database.verdict == "ok" else {}
    for finding in (*_of_settings(settings), database, _run_dir(settings), *_of_services(settings)):
        yield standing.pop(finding.what, finding) if finding.verdict == "ok" else finding
    yield from standing.values()


def _database(url: str) -> Finding:
    try:
        return within(DATABASE_SECONDS, partial(database_finding, url))
    except TimeoutError as error:
        return Finding("database", "wrong", str(error), "check BRIDGE_DATABASE_URL, and whether its host is reachable")


def _standing(settings: Settings) -> list[Finding]:
    try:
        return within(DATABASE_SECONDS, lambda: list(standing_still(settings)))
    except TimeoutError as error:
        return [Finding("database", "wrong", str(error), "run the command again")]


def _of_settings(settings: Settings) -> Iterator[Finding]:
    quoted = _quoted(settings)
    for name, shown in _shown(settings).items():
        if name in quoted:
            yield Finding(name, "warning", f"{shown}; begins or ends with a quote", "write it without quotes")
        else:
            yield Finding(name, "ok", shown)
    if settings.to_voucherify:
        yield _mappings(settings.to_voucherify)


def _of_services(settings: Settings) -> Iterator[Finding]:
    if settings.to_segment:
        yield reached("Segment", settings.to_segment.host, "SEGMENT_REGION or SEGMENT_HOST")
    if settings.to_voucherify:
        voucherify = reached("Voucherify", settings.voucherify_url, "VOUCHERIFY_API_URL")
        yield voucherify
        if voucherify.verdict == "ok":
            yield _keys(settings.to_voucherify, settings.voucherify_url)


def _shown(settings: Settings) -> dict[str, str]:
    """Return the settings to show; a secret is shown as set."""
    shown: dict[str, str] = {}
    if out := settings.to_segment:
        shown |= {
            "SEGMENT_WRITE_KEY": "set; only the first event shows whether Segment accepts it",
            "SEGMENT_HOST": out.host,
            "SEGMENT_GZIP": str(out.gzip).lower(),
            "VOUCHERIFY_WEBHOOK_SECRET": f"{len(out.webhook_secrets)} set",
        }
    if back := settings.to_voucherify:
        shown |= {
            "VOUCHERIFY_APP_ID": "set",
            "VOUCHERIFY_SECRET_KEY": "set",
            "VOUCHERIFY_RATE_LIMIT": f"{back.rate_limit:g} calls a minute"
            if back.rate_limit
            else "not set: only Voucherify's own limit",
            "BRIDGE_WRITE_KEYS": _set(back.write_keys),
            "SEGMENT_WEBHOOK_SECRET": _set(back.event_secrets),
            "VOUCHERIFY_API_URL": settings.voucherify_url,
        }
    return shown | {
        "BRIDGE_DATABASE_URL": Database(settings.database_url).name,
        "BRIDGE_WORKER": "embedded" if settings.embedded_worker else "external",
        "BRIDGE_ADMIN_TOKEN": "set" if settings.admin_token else "not set, so there is no console",
        "BRIDGE_TRUSTED_HOSTS": ", ".join(settings.trusted_hosts) or "not set: the console answers to any host",
        "BRIDGE_MAX_BODY_BYTES": str(settings.max_body_bytes),
        "BRIDGE_MAX_AGE_DAYS": f"{settings.max_age / DAY:g}",
        "BRIDGE_RETENTION_DAYS": f"{settings.retention / DAY:g}",
        "BRIDGE_LOG_LEVEL": settings.log_level,
    }


def _quoted(settings: Settings) -> set[str]:
    """Return the names of secrets with quotes around them.

    ``docker run --env-file`` leaves quotes in a value.
    """
    secrets: dict[str, Sequence[str]] = {"BRIDGE_ADMIN_TOKEN": [settings.admin_token or ""]}
    if out := settings.to_segment:
        secrets |= {"SEGMENT_WRITE_KEY": [out.write_key], "VOUCHERIFY_WEBHOOK_SECRET": out.webhook_secrets}
    if back := settings.to_voucherify:
        secrets |= {
            "VOUCHERIFY_APP_ID": [back.app_id],
            "VOUCHERIFY_SECRET_KEY": [back.secret_key],
            "BRIDGE_WRITE_KEYS": [key.key for key in back.write_keys],
            "SEGMENT_WEBHOOK_SECRET": back.event_secrets,
        }
    return {name for name, values in secrets.items() if any(one != one.strip(QUOTES) for one in values)}


def _set(secrets: Sequence[object]) -> str:
    return f"{len(secrets)} set" if secrets else "not set: this door is off"


def _mappings(settings: ToVoucherify) -> Finding:
    active = _read_mappings(settings.mappings)
    if isinstance(active, Finding):
        return active
    enabled = sum(one.enabled for one in active)
    where = f"{enabled} of {len(active)} enabled" if settings.mappings else "the five presets"
    if settings.mappings and not (settings.write_keys or settings.event_secrets):
        remedy = "set BRIDGE_WRITE_KEYS or SEGMENT_WEBHOOK_SECRET, or leave it out"
        return Finding(VARIABLE, "warning", f"{where}, but no door accepts raw events", remedy)
    return Finding(VARIABLE, "ok", where)


def _read_mappings(path: Path | None) -> Mappings | Finding:
    """Read the mappings; return what is wrong with their file otherwise."""
    try:
        return read(path) if path else PRESETS
    except InvalidMappings as error:
        problems = "; ".join(map(str, error.problems))
        remedy = "correct the file (bridge mappings check FILE); raw events wait until it is right"
        return Finding(VARIABLE, "wrong", f"{path}: {problems}", remedy)


def _meant(name: str) -> str:
    return f"is {name} meant?" if name else "leave it out"


def _remedy(name: str) -> str:
    needed = any(name in direction.needed for direction in DIRECTIONS.values())
    return f"export {name}=… or write it to .env" if needed else f"correct {name}, or leave it out"


def _run_dir(settings: Settings) -> Finding:
    folder = planned_folder(settings.run_dir, settings.database_url)
    if problem := folder_problem(folder):
        return Finding(RUN_DIR, "wrong", problem, "name a folder that only the bridge's user can write")
    return Finding(RUN_DIR, "ok", str(folder))


def _keys(settings: ToVoucherify, url: str) -> Finding:
    sink = VoucherifySink(settings.app_id, settings.secret_key, url, allow=lambda: 0.0)
    try:
        outcome = within(PROBE_SECONDS, sink.probe)
    except TimeoutError as error:
        outcome = Outcome(Happened.FAILED, detail=str(error))
    if outcome.happened is Happened.DELIVERED:
        return Finding(VOUCHERIFYS_KEYS, "ok", "accepted")
    if is_elsewhere(outcome):
        detail = f"{url} is not Voucherify: it answers {outcome.code}"
        return Finding("Voucherify", "wrong", detail, "set VOUCHERIFY_API_URL to the address of Voucherify's API")
    remedy = "compare VOUCHERIFY_APP_ID and VOUCHERIFY_SECRET_KEY with Voucherify's Project Settings"
    return Finding(VOUCHERIFYS_KEYS, "wrong", f"{outcome.happened} ({outcome.code or outcome.detail})", remedy)
