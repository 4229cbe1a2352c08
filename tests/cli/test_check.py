"""``bridge check``, ``bridge trigger``, and errors of commands."""

import json
import re
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from werkzeug.serving import make_server

from bridge.bootstrap import Bridge
from bridge.delivery.database.engine import Database
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.demo.voucherify import VoucherifyStandIn
from bridge.signature import HEADER, sign
from bridge.to_segment.catalogue import EVENTS, Event
from tests.cli.conftest import APP_ID, SECRET_KEY, Run
from tests.sinks.lines import Answer, Line, dripping, endless
from tests.webhooks import SECRET, redemption, webhook


def test_help_names_every_command(run: Run) -> None:
    output = run("--help").output
    for name in ("demo", "check", "trigger", "events", "replay", "decide", "worker"):
        assert f"\n  {name} " in output


def test_all_is_well(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    assert "wrong" not in result.output


def test_no_secret_is_shown(run: Run) -> None:
    assert SECRET not in run("check").output
    assert "write-key" not in run("check", "--json").output


def test_every_wrong_setting_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGMENT_WRITE_KEY")
    monkeypatch.setenv("BRIDGE_WORKER", "sometimes")
    result = run("check", "--json")
    assert result.exit_code == 1
    assert {one["what"] for one in json.loads(result.output)} == {"SEGMENT_WRITE_KEY", "BRIDGE_WORKER", "database"}


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("SEGMENT_HOST", "http://127.0.0.1:9", "Segment"),
        ("BRIDGE_DATABASE_URL", "sqlite:////nowhere/at/all/bridge.db", "database"),
        ("BRIDGE_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none", "database"),
    ],
)
def test_what_cannot_be_reached(
    variable: str, value: str, what: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    result = run("check", "--json")
    assert result.exit_code == 1
    [wrong] = [one for one in json.loads(result.output) if one["verdict"] == "wrong"]
    assert wrong["what"] == what
    assert variable in wrong["remedy"]


def findings(run: Run) -> dict[str, dict[str, str]]:
    found = {one["what"]: one for one in json.loads(run("check", "--json").output)}
    assert {name: one["verdict"] for name, one in found.items() if one["verdict"] != "ok"}.keys() <= {KEYS, VOUCHERIFY}
    return found


KEYS, VOUCHERIFY = "Voucherify's keys", "Voucherify"


@pytest.mark.usefixtures("both")
def test_all_is_well_in_both_directions(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOUCHERIFY_RATE_LIMIT", "100")
    result = run("check")
    assert result.exit_code == 0, result.output
    found = findings(run)
    assert found[KEYS] == {"what": KEYS, "verdict": "ok", "detail": "accepted", "remedy": ""}
    assert found["VOUCHERIFY_RATE_LIMIT"]["detail"] == "100 calls a minute"
    for secret in (APP_ID, SECRET_KEY, SECRET, "write-key"):
        assert secret not in result.output


def test_a_direction_that_is_off_is_not_looked_at(run: Run) -> None:
    assert not findings(run).keys() & {KEYS, "VOUCHERIFY_APP_ID", "VOUCHERIFY_RATE_LIMIT"}


@pytest.mark.usefixtures("both")
def test_the_other_direction_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEGMENT_WRITE_KEY", "VOUCHERIFY_WEBHOOK_SECRET"):
        monkeypatch.delenv(name)
    assert run("check").exit_code == 0
    found = findings(run)
    assert found[KEYS]["verdict"] == "ok"
    assert found["VOUCHERIFY_RATE_LIMIT"]["detail"] == "not set: only Voucherify's own limit"
    assert not found.keys() & {"Segment", "SEGMENT_WRITE_KEY", "VOUCHERIFY_WEBHOOK_SECRET"}


@pytest.mark.usefixtures("both")
def test_keys_that_voucherify_refuses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOUCHERIFY_SECRET_KEY", "another")
    assert run("check").exit_code == 1
    found = findings(run)
    assert found[VOUCHERIFY]["verdict"] == "ok"
    assert (found[KEYS]["verdict"], found[KEYS]["detail"]) == ("wrong", "forbidden (401)")
    for variable in ("VOUCHERIFY_APP_ID", "VOUCHERIFY_SECRET_KEY"):
        assert variable in found[KEYS]["remedy"]


@pytest.mark.usefixtures("both")
def test_a_voucherify_that_is_down(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOUCHERIFY_API_URL", "http://127.0.0.1:9")
    assert run("check").exit_code == 1
    found = findings(run)
    assert found[VOUCHERIFY]["verdict"] == "wrong"
    assert "VOUCHERIFY_API_URL" in found[VOUCHERIFY]["remedy"]
    assert KEYS not in found  # it is not known


@pytest.mark.usefixtures("both")
def test_a_voucherify_that_is_in_trouble(run: Run, voucherify: VoucherifyStandIn) -> None:
    voucherify.fault = lambda *_: Response("down", 503)
    assert run("check").exit_code == 1
    assert findings(run)[KEYS]["detail"] == "failed (503)"


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Response("<!DOCTYPE html><title>Sign in</title>", 200, mimetype="text/html"), id="a login page"),
        pytest.param(Response('{"status": "ok"}', 200, mimetype="application/json"), id="another service"),
        pytest.param(Response("", 204), id="nothing"),
        pytest.param(Response("<h1>Not found</h1>", 404, mimetype="text/html"), id="404"),
    ],
)
def test_what_is_not_voucherify_is_called_so(run: Run, voucherify: VoucherifyStandIn, answer: Response) -> None:
    voucherify.fault = lambda *_: answer
    result = run("check", "--json")
    assert result.exit_code == 1
    [wrong] = [one for one in json.loads(result.output) if one["verdict"] != "ok"]
    assert (wrong["what"], wrong["verdict"]) == (VOUCHERIFY, "wrong")
    assert "is not Voucherify" in wrong["detail"]
    assert "VOUCHERIFY_API_URL" in wrong["remedy"]


QUOTED = (
    "SEGMENT_WRITE_KEY",
    "VOUCHERIFY_WEBHOOK_SECRET",
    "VOUCHERIFY_APP_ID",
    "VOUCHERIFY_SECRET_KEY",
    "BRIDGE_WRITE_KEYS",
    "SEGMENT_WEBHOOK_SECRET",
    "BRIDGE_ADMIN_TOKEN",
)


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("name", QUOTED)
@pytest.mark.parametrize("text", ['"{}"', "'{}'", '"{}', "\u201c{}\u201d"])
def test_a_secret_that_still_carries_quotes(
    name: str, text: str, run: Run, monkeypatch: pytest.MonkeyPatch, voucherify: VoucherifyStandIn
) -> None:
    voucherify.app_id = voucherify.secret_key = ""
    monkeypatch.setenv(name, text.format("a-secret-of-24-characters"))
    output = run("check", "--json").output
    assert "a-secret" not in output
    [told] = [one for one in json.loads(output) if one["verdict"] != "ok"]
    assert (told["what"], told["verdict"], told["remedy"]) == (name, "warning", "write it without quotes")


def test_half_of_a_direction_is_reported_with_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOUCHERIFY_APP_ID", "the-app-id")
    result = run("check", "--json")
    assert result.exit_code == 1
    [wrong, database] = json.loads(result.output)
    assert (wrong["what"], wrong["verdict"]) == ("VOUCHERIFY_SECRET_KEY", "wrong")
    assert (database["what"], database["verdict"]) == ("database", "ok")  # checked, whatever else is wrong
    assert wrong["remedy"] == "export VOUCHERIFY_SECRET_KEY=… or write it to .env"


def test_with_nothing_set_both_directions_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEGMENT_WRITE_KEY", "VOUCHERIFY_WEBHOOK_SECRET"):
        monkeypatch.delenv(name)
    found = {one["what"]: one["detail"] for one in json.loads(run("check", "--json").output)}
    for name in ("SEGMENT_WRITE_KEY", "VOUCHERIFY_WEBHOOK_SECRET"):
        assert "or set VOUCHERIFY_APP_ID and VOUCHERIFY_SECRET_KEY" in found[name]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("BRIDGE_ADMIN_TOKN", "is BRIDGE_ADMIN_TOKEN meant?"), ("BRIDGE_OF_SIGHS_OVER_THE_RIVER", "leave it out")],
)
def test_a_variable_that_is_none_is_a_warning(
    name: str, remedy: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "secret-value")
    result = run("check", "--json")
    assert result.exit_code == 0
    assert "secret-value" not in result.output
    [told] = [one for one in json.loads(result.output) if one["what"] == name]
    assert (told["verdict"], told["remedy"]) == ("warning", remedy)


def test_a_voucherify_that_is_of_no_use_is_not_looked_at(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOUCHERIFY_API_URL", "http://127.0.0.1:9")
    result = run("check", "--json")
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert {one["verdict"] for one in found} == {"ok"}
    assert not {one["what"] for one in found} & {VOUCHERIFY, "VOUCHERIFY_API_URL"}


def test_other_commands_name_the_wrong_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOUCHERIFY_WEBHOOK_SECRET")
    result = run("worker")
    assert result.exit_code == 3
    assert "VOUCHERIFY_WEBHOOK_SECRET: needed" in result.output


READING = [("events",), ("replay", "01UNKNOWN"), ("decide", "01UNKNOWN", "--again")]


@pytest.mark.parametrize("words", READING, ids=lambda words: words[0])
def test_who_only_looks_needs_the_database_and_no_other_setting(
    words: tuple[str, ...], bridge: Bridge, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEGMENT_WRITE_KEY", "VOUCHERIFY_WEBHOOK_SECRET"):
        monkeypatch.delenv(name)
    assert "needed" not in run(*words).output
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "bridge.db")
    result = run(*words)
    assert result.exit_code == 3
    assert "BRIDGE_DATABASE_URL: must be like sqlite:///bridge.db" in result.output


@pytest.mark.parametrize("words", READING, ids=lambda words: words[0])
def test_looking_for_a_database_makes_none(
    words: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    result = run(*words)
    assert result.exit_code == 1
    assert result.output == f"Error: there is no database at {tmp_path}/none.db: see BRIDGE_DATABASE_URL\n"
    assert not (tmp_path / "none.db").exists()


def test_a_dot_env_that_cannot_be_read_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SEGMENT_WRITE_KEY=\xff\n")
    result = run("events")
    assert result.exit_code == 3
    assert ".env: cannot be read (UnicodeDecodeError)" in result.output
    [wrong] = json.loads(run("check", "--json").output)
    assert (wrong["what"], wrong["verdict"]) == (".env", "wrong")


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_a_sample_of_each_event_is_accepted(event: Event, run: Run, served_app: Flask) -> None:
    name = event.type
    with Served(served_app) as served:
        result = run("trigger", name, "--url", f"{served.url}/webhooks/voucherify", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["answer"]["status"] == "accepted"


@pytest.mark.parametrize("spelling", ["Customer Rewarded", "customer.rewarded", "EVENTS.CUSTOMER.REWARDED"])
def test_any_spelling_will_do(spelling: str, run: Run, served_app: Flask) -> None:
    with Served(served_app) as served:
        result = run("trigger", spelling, "--url", f"{served.url}/webhooks/voucherify")
    assert "202" in result.output
    assert '"event":"Customer Rewarded"' in result.output


def test_a_sample_that_no_worker_translates_is_stored_and_says_so(run: Run) -> None:
    app = Flask("bridge")
    app.post("/hook")(lambda: ({"status": "stored", "id": "01KA"}, 202))
    with Served(app) as served:
        result = run("trigger", "rewarded", "--url", f"{served.url}/hook")
    assert result.exit_code == 0
    assert "No worker has translated it within 10 s" in result.stderr


def test_an_unknown_event_is_answered_with_those_there_are(run: Run) -> None:
    result = run("trigger", "redemption.maybe")
    assert result.exit_code == 2
    assert "rewarded.loyalty_points" in result.output


def test_a_host_without_a_listener_is_reported(run: Run) -> None:
    result = run("trigger", "rewarded", "--url", "http://127.0.0.1:9/webhooks/voucherify")
    assert result.exit_code == 1
    assert "Is the bridge running?" in result.output


def test_a_refusal_is_shown_and_fails(run: Run) -> None:
    app = Flask("other")
    app.post("/hook")(lambda: Response("not here", 404))
    with Served(app) as served:
        result = run("trigger", "rewarded", "--url", f"{served.url}/hook", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {"status_code": 404, "answer": "not here"}


def test_no_secret_to_sign_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOUCHERIFY_WEBHOOK_SECRET")
    assert "VOUCHERIFY_WEBHOOK_SECRET: needed" in run("trigger", "rewarded").output


@pytest.mark.parametrize("end", ["", "/"])
def test_a_url_without_a_path_is_answered_with_the_one_that_is_meant(end: str, run: Run) -> None:
    result = run("trigger", "rewarded", "--url", f"http://127.0.0.1:9{end}")
    assert result.exit_code == 2
    assert "did you mean http://127.0.0.1:9/webhooks/voucherify?" in result.output


def test_a_sample_is_signed_with_the_secret_that_the_server_reads(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VOUCHERIFY_WEBHOOK_SECRET")
    (tmp_path / ".env").write_text("VOUCHERIFY_WEBHOOK_SECRET=' , the-first ,the-second'\n")
    app = Flask("bridge")
    app.post("/hook")(lambda: {"signature": request.headers[HEADER], "right": sign(request.get_data(), "the-first")})
    with Served(app) as served:
        answer = json.loads(run("trigger", "rewarded", "--url", f"{served.url}/hook", "--json").output)["answer"]
    assert answer["signature"] == answer["right"]


def test_a_dot_env_that_cannot_be_read_is_said_by_trigger_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SEGMENT_WRITE_KEY=\xff\n")
    result = run("trigger", "rewarded")
    assert result.exit_code == 3
    assert ".env: cannot be read (UnicodeDecodeError)" in result.output


UNREACHED = "Segment"


def why_not(run: Run, monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    monkeypatch.setenv("SEGMENT_HOST", url)
    [wrong] = [one for one in json.loads(run("check", "--json").output) if one["verdict"] != "ok"]
    assert wrong["what"] == UNREACHED
    return str(wrong["detail"]).removeprefix(f"{url} does not answer: ")


def test_why_a_host_cannot_be_reached(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.checking.reaching.PATIENCE_SECONDS", 0.2)
    assert "cannot be resolved" in why_not(run, monkeypatch, "https://segment.invalid")
    assert "refused" in why_not(run, monkeypatch, "http://127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timeout" in why_not(run, monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
    app = Flask("bridge")
    with Served(app) as served:
        assert "TLS" in why_not(run, monkeypatch, served.url.replace("http:", "https:"))


@pytest.mark.parametrize(
    "answer",
    [
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n"),
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    ],
    ids=["headers", "a status line", "a header"],
)
def test_a_server_that_drips_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr("bridge.cli.checking.reaching.PATIENCE_SECONDS", 0.3)
    with Line(answer) as line:
        began = time.monotonic()
        assert "timeout" in why_not(run, monkeypatch, line.url)
        assert time.monotonic() - began < 15  # the server drips for 40
        assert line.hung_up.wait(15)


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /elsewhere", b"401 No"])
def test_of_an_endless_body_little_is_read(run: Run, monkeypatch: pytest.MonkeyPatch, status: bytes) -> None:
    with Line(endless(b"HTTP/1.1 " + status + b"\r\n\r\n", b"x" * 65_536)) as line:
        monkeypatch.setenv("SEGMENT_HOST", line.url)
        tracemalloc.start()
        assert run("check").exit_code == 0
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert line.hung_up.wait(15)
    assert peak < 32_000_000


def test_a_resolver_that_hangs_is_not_waited_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.checking.reaching.PATIENCE_SECONDS", 0.2)
    ending = threading.Event()
    monkeypatch.setattr("bridge.deadline.getaddrinfo", lambda *_: ending.wait(60) and [])
    try:
        assert "timeout" in why_not(run, monkeypatch, "https://segment.invalid")
    finally:
        ending.set()


@pytest.mark.usefixtures("both")
def test_keys_are_not_waited_for_without_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.check.PROBE_SECONDS", 0.3)
    with Line(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"x")) as line:
        monkeypatch.setenv("VOUCHERIFY_API_URL", line.url)
        assert "no result within" in findings(run)["Voucherify's keys"]["detail"]


def test_a_database_that_hangs_is_not_waited_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.check.DATABASE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:hunter2@127.0.0.1:{silent.getsockname()[1]}/n"
        monkeypatch.setenv("BRIDGE_DATABASE_URL", url)
        result = run("check", "--json")
    assert "no result within" in result.output
    assert "hunter2" not in result.output


def test_a_certificate_that_is_not_accepted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    server = make_server("127.0.0.1", 0, Flask("bridge"), ssl_context=context, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        said = why_not(run, monkeypatch, f"https://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert "certificate is not accepted: " in said
    assert "self" in said


@pytest.mark.usefixtures("both")
def test_it_creates_nothing(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRIDGE_RUN_DIR", f"{tmp_path}/run/bridge")
    for path in ("new.db", "data/new.db"):
        monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path}/{path}")
        result = run("check", "--json")
        assert result.exit_code == 0, result.output
        found = {one["what"]: one["detail"] for one in json.loads(result.output)}
        assert found["database"] == f"{tmp_path}/{path} does not exist yet: the bridge creates it at its start"
        assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_there_stays_as_it_is(run: Run, bridge: Bridge, tmp_path: Path) -> None:
    bridge.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    found = {one["what"]: one["detail"] for one in json.loads(run("check", "--json").output)}
    assert found["database"] == "can be written, and its schema is current"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_empty_postgresql_stays_empty(
    run: Run, monkeypatch: pytest.MonkeyPatch, postgres_url: str, open_database: Callable[[str], Database]
) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", postgres_url)
    found = {one["what"]: one["detail"] for one in json.loads(run("check", "--json").output)}
    assert "upgrades its schema at its start" in found["database"]
    assert open_database(postgres_url).look() is None


def test_the_port_of_postgresql_is_shown_and_no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "postgresql://nobody:hunter2@127.0.0.1:9/none")
    output = run("check", "--json").output
    found = {one["what"]: one["detail"] for one in json.loads(output)}
    assert found["BRIDGE_DATABASE_URL"] == "postgresql://127.0.0.1:9/none"
    assert "hunter2" not in output


def test_a_write_key_that_segment_refuses_is_not_ok(
    run: Run, bridge: Bridge, post: Callable[[Any], str], segment: SegmentStandIn
) -> None:
    segment.write_key = "another"
    post(webhook("redemption.succeeded", redemption()))
    [worker] = bridge.crew.workers
    worker.step()
    result = run("check", "--json")
    assert result.exit_code == 1
    [wrong] = [one for one in json.loads(result.output) if one["verdict"] != "ok"]
    assert wrong["what"] == "SEGMENT_WRITE_KEY"
    assert re.fullmatch(r"Segment refuses the write key since 20\d\d-.* UTC: forbidden \(401\)", wrong["detail"])
    assert "SEGMENT_WRITE_KEY" in wrong["remedy"]


def test_what_an_operator_has_paused_is_a_warning(run: Run, bridge: Bridge) -> None:
    for name in ("segment", "translation"):
        bridge.desk.pause(name, "somebody")
    result = run("check", "--json")
    assert result.exit_code == 0, result.output
    told = {one["what"]: one["detail"] for one in json.loads(result.output) if one["verdict"] == "warning"}
    assert told.keys() == {"deliveries to segment", "translation"}
    assert "`bridge resume segment` ends it" in told["deliveries to segment"]
