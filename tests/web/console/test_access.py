"""Access to the console: tokens, sessions and forms."""

import json
import time

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bridge.bootstrap import Bridge
from bridge.delivery.database.tables import audit, sessions
from bridge.operations.sign_ins import MOST, WINDOW
from bridge.web.client import client_address
from tests.delivery.arrivals import rows
from tests.web.console.conftest import TOKEN, MakeApp, Visitor

PAGES = ["/", "/events", "/events/01X", "/replays", "/replays/new?status=dead", "/replays/01X", "/audit", "/nothing"]


@pytest.mark.parametrize("path", ["", "/", "/sign-in", "/events", "/static/console.css", "/api/events"])
def test_without_a_token_there_is_no_console(make_app: MakeApp, path: str) -> None:
    response = make_app(admin_token=None).test_client().get(f"/console{path}")
    assert response.status_code == 404
    assert response.json is not None
    assert response.json["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_asks_for_a_session(stranger: Visitor, path: str) -> None:
    response = stranger.get(path)
    assert response.status_code == 302
    assert response.location.startswith("/console/sign-in?next=")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/events", "/nothing", "/api/events", "/static/console.css"])
def test_every_response_has_security_headers(visitor: Visitor, path: str) -> None:
    with visitor.get(path) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert (headers["Cache-Control"] == "no-store") == (path != "/static/console.css")


def test_signing_in(stranger: Visitor, bridge: Bridge) -> None:
    response = stranger.sign_in(then="?next=/events?status%3Ddead")
    assert (response.status_code, response.location) == (302, "/console/events?status=dead")
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/console" in cookie
    assert "Secure" not in cookie
    assert stranger.get("/").status_code == 200
    assert stranger.get("/sign-in").status_code == 302
    [record] = rows(bridge.database, audit)
    assert (record["who"], record["did"]) == ("console: Ada", "signed in")


def test_the_cookie_is_secure_over_https(stranger: Visitor) -> None:
    secure = {"base_url": "https://bridge.example.com"}
    assert "Secure" in stranger.get("/sign-in", **secure).headers["Set-Cookie"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "\t//evil",
    ],
)
def test_a_sign_in_never_redirects_to_another_host(stranger: Visitor, elsewhere: str) -> None:
    response = stranger.client.get("/console/sign-in", query_string={"next": elsewhere})
    assert response.status_code == 200
    response = stranger.sign_in(then=f"?next={elsewhere}")
    assert response.status_code == 302
    assert response.location.startswith("/console/")


@pytest.mark.parametrize("token", ["", "the-token-of-the-consol", TOKEN + "x", "ünïcode"])
def test_a_wrong_token_is_rejected(stranger: Visitor, token: str) -> None:
    response = stranger.sign_in(token)
    assert response.status_code == 401
    assert "The token is wrong." in response.text
    assert stranger.get("/").status_code == 302


def test_wrong_tokens_are_limited_in_every_process(
    stranger: Visitor, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MOST):
        assert stranger.sign_in("wrong").status_code == 401
    response = Visitor(make_app().test_client()).sign_in()
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= WINDOW + 1
    assert stranger.get("/api/events", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 429
    later = time.time() + WINDOW
    monkeypatch.setattr(time, "time", lambda: later)
    assert stranger.sign_in().status_code == 302


def test_a_session_ends_by_itself(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + 12 * 3600 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert visitor.get("/").status_code == 302


def test_using_a_session_does_not_extend_it(visitor: Visitor, bridge: Bridge) -> None:
    [before] = rows(bridge.database, sessions)
    for _ in range(2):
        assert visitor.get("/").status_code == 200
    assert rows(bridge.database, sessions) == [before]
    with bridge.database.writing() as connection:
        connection.execute(update(sessions).values(until=time.time()))
    assert visitor.get("/").status_code == 302


def test_signing_out(visitor: Visitor) -> None:
    assert visitor.press("/", "/sign-out").location == "/console/sign-in"
    assert visitor.get("/").status_code == 302


def test_a_stolen_cookie_is_worth_nothing_after_sign_out(visitor: Visitor, make_app: MakeApp) -> None:
    cookie = visitor.client.get_cookie("bridge_console", path="/console")
    assert cookie
    thief = make_app().test_client()
    thief.set_cookie("bridge_console", cookie.value, path="/console")
    assert thief.get("/console/").status_code == 200
    visitor.press("/", "/sign-out")
    assert thief.get("/console/").status_code == 302


def test_wrong_tokens_lock_only_their_address(stranger: Visitor) -> None:
    for number in range(150):
        environ = {"REMOTE_ADDR": f"203.0.113.{number}"}
        headers = {"Authorization": "Bearer wrong"}
        assert stranger.get("/api/events", headers=headers, environ_overrides=environ).status_code == 401
    for _ in range(MOST + 1):
        stranger.sign_in("wrong")
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert stranger.get("/api/events", headers=right).status_code == 429
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert stranger.get("/api/events", headers=right, environ_overrides=elsewhere).status_code == 200


def test_behind_a_trusted_proxy_the_client_is_locked_not_the_proxy(stranger: Visitor) -> None:
    right = {"Authorization": f"Bearer {TOKEN}"}
    for number in range(MOST + 1):  # what the client writes itself stands before what the proxy appends
        forged = {"Authorization": "Bearer wrong", "X-Forwarded-For": f"10.0.0.{number}, 203.0.113.9"}
        stranger.get("/api/events", headers=forged)
    for client, status in (("203.0.113.9", 429), ("198.51.100.7", 200)):
        headers = {**right, "X-Forwarded-For": client}
        assert stranger.get("/api/events", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "client"),
    [
        ("203.0.113.1", "", None, "203.0.113.1"),
        ("203.0.113.1", "198.51.100.1", None, "203.0.113.1"),
        ("127.0.0.1", "198.51.100.1", None, "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", None, "198.51.100.1"),
        ("", "6.6.6.6, 198.51.100.1", None, "198.51.100.1"),
        ("::1", "2001:db8::1", None, "2001:db8::1"),
        ("10.0.0.2", "6.6.6.6, 198.51.100.1, 10.0.0.1", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1", "10.0.0.1,10.0.0.2", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1", "*", "198.51.100.1"),
        ("127.0.0.1", "unknown", None, "unknown"),
        ("127.0.0.1", " , ,", None, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(
    peer: str, forwarded: str, trusted: str | None, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    if trusted is not None:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    assert client_address({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}) == client


def test_every_process_accepts_a_session_and_a_new_token_ends_it(visitor: Visitor, make_app: MakeApp) -> None:
    cookie = visitor.client.get_cookie("bridge_console", path="/console")
    assert cookie
    for token, status in ((TOKEN, 200), ("another-token-altogether", 302)):
        other = make_app(admin_token=token).test_client()
        other.set_cookie("bridge_console", cookie.value, path="/console")
        assert other.get("/console/").status_code == status


@pytest.mark.parametrize(
    "path", ["/events/01X/replay", "/events/01X/discard", "/events/01X/reveal", "/replays", "/sign-out"]
)
def test_a_post_needs_the_token_of_its_session(visitor: Visitor, path: str) -> None:
    for fields in ({}, {"csrf_token": "made-up"}):
        response = visitor.client.post(f"/console{path}", data=fields)
        assert response.status_code == 400
        assert "CSRF" in response.text


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "evil.example", "bridge.example.com.evil.example", ""])
@pytest.mark.parametrize("path", ["/", "/sign-in", "/events", "/api/events", "/static/console.css"])
def test_another_host_is_refused(make_app: MakeApp, host: str, path: str) -> None:
    app = make_app(trusted_hosts=("bridge.example.com", ".internal"))
    environ = EnvironBuilder(f"/console{path}").get_environ() | {"HTTP_HOST": host}
    answer, status, _ = run_wsgi_app(app, environ)
    error = json.loads(b"".join(answer))["error"]
    assert (status, error["code"]) == ("400 BAD REQUEST", "bad_request")
    assert "BRIDGE_TRUSTED_HOSTS" in error["message"]
    assert host not in error["message"] or not host


@pytest.mark.parametrize("host", ["bridge.example.com", "bridge.example.com:8443", "a.internal"])
def test_a_trusted_host_is_served(make_app: MakeApp, host: str) -> None:
    client = make_app(trusted_hosts=("bridge.example.com", ".internal")).test_client()
    assert client.get("/console/sign-in", base_url=f"https://{host}").status_code == 200


def test_doors_answer_to_any_host(make_app: MakeApp) -> None:
    client = make_app(trusted_hosts=("bridge.example.com",)).test_client()
    assert client.post("/webhooks/voucherify", json={}, base_url="http://10.0.0.1").status_code == 401
    assert client.get("/healthz", base_url="http://10.0.0.1").status_code == 200


@pytest.mark.parametrize("target", ["http://[", "//[::1", "[", "\r\nX: 1", "\x00"])
def test_a_wrong_address_after_sign_in_leads_into_the_console(stranger: Visitor, target: str) -> None:
    response = stranger.client.get("/console/sign-in", query_string={"next": target})
    assert response.status_code == 200
    stranger.sign_in()
    response = stranger.client.get("/console/sign-in", query_string={"next": target})
    assert response.status_code == 302
    assert response.location.startswith("/console/")


def test_the_front_doors_are_not_affected(app: Flask) -> None:
    response = app.test_client().post("/webhooks/voucherify", json={})
    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers
    assert "Content-Security-Policy" not in response.headers
    assert response.mimetype == "application/json"
