"""Every address, with any text in every input, on both databases: never 5xx.

The addresses are those of the applications. The names of inputs are those that the pages ask for, recorded while each
is called once. So a new page and a new field are tested by themselves.
"""

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, cast
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bridge import logs
from bridge.delivery.database.tables import bulk_replays
from bridge.directions import DIRECTIONS
from bridge.operations import bulk_replay
from bridge.operations.bulk_replay import BulkReplayer
from bridge.operations.history import STATUSES, Filter
from bridge.web.console.security.input import Fields
from tests.web.console.conftest import TOKEN, Visitor, applications
from tests.web.console.events import store

EXTREMES = (
    "\x00",
    "a\x00b",
    "\ud800",
    "0001-01-01T00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T24:00",
    "9" * 5000,
    "-1",
    "1e999",
    "nan",
    "http://[",
    "//[::1",
    "\r\nX-Header: 1",
    "%",
    "7" + "Z" * 25,
    "Z" * 26,
    "ü" * 26,
    "x" * 10_000,
    *STATUSES,
    *DIRECTIONS,
    "again",
    "24h",
    TOKEN,
)
TEXTS = st.one_of(
    st.sampled_from(EXTREMES),
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Cn"]), max_size=10),
    st.datetimes(timezones=st.timezones(), allow_imaginary=True).map(lambda at: at.isoformat()),
    st.integers().map(str),
)
LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=80)
HOSTS = ("a..b", "a" * 64, f"{'a' * 64}.example", "[", "[::1", "a:99999", "a b", "", ".", "xn--0", "\xe9.example")
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Authorization",
            "Cookie",
            "Accept",
            "Range",
            "If-Modified-Since",
            "If-None-Match",
            "X-Forwarded-For",
            "X-Request-Id",
            "Prefer",
            "Content-Type",
            "Referer",
            "Origin",
        ]
    ),
    LATIN,
    max_size=2,
)
BODIES = (
    b"[" * 100_000,
    b'{"since": ' * 5000,
    b'{"since": "\\ud800", "status": "dead"}',
    b'{"event": "\\u0000", "status": "dead"}',
    b'{"verdict": "again", "\\ud800": "\\ud800"}',
    b'{"since": 1e999}',
    b"9" * 5000,
    b"[]",
    b"\xff",
    b"",
)


class Recording(Fields):
    """Fields that record the names which a page asks for."""

    asked: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: Any, *rest: Any, **more: Any) -> Any:
        self.asked.add(key)
        return super().get(key, *rest, **more)


class Call(NamedTuple):
    """One request."""

    prefix: str
    rule: Rule
    method: str
    parts: dict[str, str]
    fields: Mapping[str, str] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})
    host: str = "localhost"
    body: bytes | None = None


class Target:
    """Both applications, their addresses, and all names of inputs."""

    def __init__(self, app: Flask, visitor: Visitor) -> None:
        assert isinstance(app.wsgi_app, DispatcherMiddleware)
        self.app = app
        self.console = cast("Flask", app.wsgi_app.mounts["/console"])
        self.console.config["WTF_CSRF_ENABLED"] = False  # so that forms reach their page
        self.visitor = visitor
        cookie = visitor.client.get_cookie("bridge_console", path="/console")
        self.cookie = f"bridge_console={cookie.value}" if cookie else ""
        self.rules: list[tuple[str, Rule, str]] = [
            (prefix, rule, method)
            for prefix, one in (("/console", self.console), ("", app))
            for rule in one.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
            if rule.endpoint != "session.sign_out"
        ]
        self.calls = 0
        self.event_id = store(app.extensions["bridge"])
        self.names = self._recorded()

    def plain_calls(self) -> Iterator[Call]:
        """Yield a call of each address, which a page serves."""
        for prefix, rule, method in self.rules:
            fields = {"token": TOKEN, "name": "Ada"} if rule.endpoint == "session.sign_in" else {"status": "dead"}
            # A replay waits for a translator, and none runs here.
            part = "x" if rule.rule.endswith("/replay") else self.event_id
            yield Call(prefix, rule, method, dict.fromkeys(rule.arguments, part), fields)

    def _recorded(self) -> dict[tuple[str, str], list[str]]:
        """Return the names that each address asks for. A script's JSON has those of all."""
        names: dict[tuple[str, str], list[str]] = {}
        original = self.console.request_class
        self.console.request_class = type("Recorded", (original,), {"parameter_storage_class": Recording})
        for one in self.plain_calls():
            Recording.asked.clear()
            self.call(one)
            names[one.rule.endpoint, one.method] = sorted(Recording.asked)
        self.console.request_class = original
        every = sorted({name for some in names.values() for name in some})
        return {key: every if key[0].startswith("api.") and key[1] == "POST" else some for key, some in names.items()}

    def check(self, one: Call) -> None:
        """Call, and expect neither an internal error nor a stack trace."""
        status, text = self.call(one)
        assert status < 500 or one.rule.endpoint == "health.readyz", (one, text)
        assert "Traceback" not in text, one
        assert not logs.taken_unexpected(), one

    def look_at_all(self) -> int:
        """Look at every page again, after what was stored; return their number."""
        pages = [one for one in self.plain_calls() if one.method == "GET"]
        for one in pages:
            self.check(one)
        return len(pages)

    def call(self, one: Call) -> tuple[int, str]:
        """Call the application as a server does: a client would refuse to send most of this."""
        path = one.rule.rule
        for name in one.rule.arguments:
            path = path.replace(f"<path:{name}>", one.parts[name]).replace(f"<{name}>", one.parts[name])
        is_form = one.prefix and not one.rule.endpoint.startswith("api.")
        content = one.body
        if content is None:
            content = urlencoded(one.fields).encode() if is_form else json.dumps(dict(one.fields)).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded" if is_form else "application/json",
            "Cookie": self.cookie,
            "Authorization": f"Bearer {TOKEN}",
            **one.headers,
        }
        environ = EnvironBuilder(method=one.method, headers=list(headers.items()), data=content).get_environ()
        environ["PATH_INFO"] = one.prefix + path.encode("utf-8", "surrogatepass").decode("latin-1")
        self.calls += 1
        environ["REMOTE_ADDR"] = str(ip_address(self.calls))  # wrong tokens lock an address
        environ["QUERY_STRING"], environ["HTTP_HOST"] = urlencoded(one.fields), one.host
        answer, status, _ = run_wsgi_app(self.app, environ)
        return int(status.split()[0]), b"".join(answer).decode()


def urlencoded(fields: Mapping[str, str]) -> str:
    """Encode fields as any sender may, surrogates too."""
    return "&".join(f"{quote(name)}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in fields.items())


@pytest.fixture
def target(database_url: str) -> Iterator[Target]:
    with applications(database_url) as make:
        app = make()
        visitor = Visitor(app.test_client())
        visitor.sign_in()
        yield Target(app, visitor)


def test_names_of_inputs_are_recorded(target: Target) -> None:
    for endpoint, method, name in (
        ("events.listing", "GET", "since"),
        ("events.decide", "POST", "verdict"),
        ("replays.begin", "POST", "error"),
        ("session.sign_in", "POST", "name"),
        ("session.sign_in", "POST", "next"),
        ("overview.page", "GET", "period"),
        ("api.audit", "GET", "before"),
        ("api.events", "GET", "limit"),
        ("api.event", "GET", "reveal"),
        ("api.begin", "POST", "since"),
    ):
        assert name in target.names[endpoint, method]


def test_no_extreme_makes_an_internal_error(target: Target) -> None:
    """Each extreme in each input alone: of a page, its fields, its address, its body and its host."""
    for plain in target.plain_calls():
        for extreme in EXTREMES:
            for name in target.names[plain.rule.endpoint, plain.method]:
                target.check(plain._replace(fields={**plain.fields, name: extreme}))
            for part in plain.parts:
                target.check(plain._replace(parts=plain.parts | {part: extreme}))
        for host in HOSTS:
            target.check(plain._replace(host=host))
            target.check(plain._replace(host=host, headers={"Cookie": ""}))
        for body in BODIES if plain.method == "POST" else ():
            target.check(plain._replace(body=body))
    target.look_at_all()


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_no_text_makes_an_internal_error(target: Target, data: st.DataObject) -> None:
    plain = data.draw(st.sampled_from(list(target.plain_calls())))
    names = target.names[plain.rule.endpoint, plain.method]
    fields = st.dictionaries(st.sampled_from(names), TEXTS, max_size=4) if names else st.just({})
    target.check(
        plain._replace(
            parts={name: data.draw(TEXTS) for name in plain.parts},
            fields={**data.draw(st.sampled_from([plain.fields, {}])), **data.draw(fields)},
            host=data.draw(st.one_of(st.just("localhost"), LATIN)),
            headers=data.draw(st.one_of(st.just({}), HEADERS)),
            body=data.draw(st.one_of(st.none(), st.binary(max_size=40))),
        )
    )


def test_a_stored_replay_of_any_time_is_shown(target: Target) -> None:
    """Earlier versions stored times that no calendar has."""
    wanted = {"status": "dead", "since": -62135647200.0, "until": 1e300, "event": "\x00\ud800"}
    bridge = target.app.extensions["bridge"]
    with bridge.database.writing() as connection:
        replay_id = bulk_replay.begin(connection, Filter(status="dead"), "Ada", 1.0)
        connection.execute(update(bulk_replays).values(wanted=json.dumps(wanted)))
    while BulkReplayer(bridge.database).step():
        pass
    for path in ("/replays", f"/replays/{replay_id}"):
        assert "datetime" in target.visitor.get(path).text
    assert target.look_at_all()
