"""``bridge check``: is everything set up, and if not, what to do about it?"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import click
import requests
from sqlalchemy.engine import make_url

from bridge.cli.printing import json_option, print_json, table
from bridge.config import DAY, NEEDED, Settings
from bridge.delivery.database import Database
from bridge.errors import ConfigError, StoreUnavailable

PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, ``ok`` or ``wrong``, and what to do about it."""

    what: str
    verdict: str
    detail: str
    remedy: str = ""


@click.command()
@json_option
def check(as_json: bool) -> None:
    """Look at every setting, the database, and whether Segment and Voucherify can be reached."""
    found = list(_findings())
    if as_json:
        print_json(found)
    else:
        columns = ("", "", "found", "what to do")
        table("The bridge's set-up", columns, [(one.what, one.verdict, one.detail, one.remedy) for one in found])
    if any(one.verdict != "ok" for one in found):
        raise SystemExit(1)


def _findings() -> Iterator[Finding]:
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        yield from (Finding(name, "wrong", problem, _remedy(name)) for name, problem in sorted(error.problems.items()))
        return
    for name, show in _SETTINGS.items():
        yield Finding(name, "ok", show(settings))
    for what, look in _CHECKS.items():
        yield look(what, settings)


def _remedy(name: str) -> str:
    return f"export {name}=… or write it to .env" if name in NEEDED else f"correct {name}, or leave it out"


def _database(what: str, settings: Settings) -> Finding:
    try:
        with closing(Database(settings.database_url)) as database:
            database.check()
    except StoreUnavailable as error:
        remedy = "see that BRIDGE_DATABASE_URL is right, and the database up and not full"
        return Finding(what, "wrong", str(error), remedy)
    return Finding(what, "ok", "can be written, and its schema is current")


def _segment(what: str, settings: Settings) -> Finding:
    return _reached(what, settings.segment_host, "SEGMENT_REGION or SEGMENT_HOST")


def _voucherify(what: str, settings: Settings) -> Finding:
    return _reached(what, settings.voucherify_url, "VOUCHERIFY_API_URL")


def _reached(what: str, url: str, variables: str) -> Finding:
    """Any answer will do: it is the way there that is looked at."""
    try:
        requests.get(url, timeout=PATIENCE, allow_redirects=False)
    except requests.RequestException as error:
        remedy = f"see that {variables} is right, and that a firewall or proxy lets the bridge out"
        return Finding(what, "wrong", f"{url} does not answer: {type(error).__name__}", remedy)
    return Finding(what, "ok", f"{url} answers")


_SETTINGS: dict[str, Callable[[Settings], str]] = {
    "SEGMENT_WRITE_KEY": lambda _: "set",
    "SEGMENT_HOST": lambda settings: settings.segment_host,
    "SEGMENT_GZIP": lambda settings: str(settings.segment_gzip).lower(),
    "VOUCHERIFY_WEBHOOK_SECRET": lambda settings: f"{len(settings.webhook_secrets)} set",
    "VOUCHERIFY_API_URL": lambda settings: settings.voucherify_url,
    "BRIDGE_DATABASE_URL": lambda settings: make_url(settings.database_url).render_as_string(hide_password=True),
    "BRIDGE_WORKER": lambda settings: "embedded" if settings.embedded_worker else "external",
    "BRIDGE_MAX_BODY_BYTES": lambda settings: str(settings.max_body_bytes),
    "BRIDGE_MAX_AGE_DAYS": lambda settings: f"{settings.max_age / DAY:g}",
}
"""Every setting as it may be shown: of a secret only that there is one."""

_CHECKS: dict[str, Callable[[str, Settings], Finding]] = {
    "database": _database,
    "Segment": _segment,
    "Voucherify": _voucherify,
}
