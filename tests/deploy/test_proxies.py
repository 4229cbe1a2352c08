"""nginx and Caddy with the files of ``deploy``, in front of a real bridge."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.acceptance.conftest import serving
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import Server, free_port
from tests.acceptance.waiting import PATIENCE, until
from tests.webhooks import encode, redemption, signed, webhook

DEPLOY = Path(__file__).parents[2] / "deploy"
CERTIFICATE = Path(__file__).parents[1] / "cli" / "self_signed.pem"
HOST = "bridge.example.com"
DEADLINE_SECONDS, FACTOR = 10.0, 3

pytestmark = pytest.mark.slow


def program(name: str, folder: Path) -> str:
    """Return the path of an installed program, or of one that is unpacked from Debian's package."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    if found := shutil.which(name, path=path):
        return found
    if not shutil.which("apt-get"):
        pytest.skip(f"{name} is not installed, and there is no apt-get")
    if subprocess.run(["apt-get", "download", "-qq", name], cwd=folder, check=False, capture_output=True).returncode:
        subprocess.run(["apt-get", "update", "-qq"], check=True, capture_output=True)
        subprocess.run(["apt-get", "download", "-qq", name], cwd=folder, check=True, capture_output=True)
    [package] = folder.glob(f"{name}_*.deb")
    subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True)
    unpacked = shutil.which(name, path=f"{folder}/usr/sbin:{folder}/usr/bin")
    assert unpacked
    return unpacked


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[None]:
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Replace what an operator, or a test, must replace; each is there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(bridge: int, port: int, folder: Path) -> Iterator[None]:
    binary = program("nginx", folder)
    replaced = {
        "127.0.0.1:8000": f"127.0.0.1:{bridge}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/bridge/fullchain.pem": str(CERTIFICATE),
        "/etc/ssl/bridge/privkey.pem": str(CERTIFICATE),
    }
    (folder / "bridge.conf").write_text(changed((DEPLOY / "nginx.conf").read_text(), replaced))
    temporary = [f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    inside = " ".join([f"access_log {folder}/access.log;", *temporary, f"include {folder}/bridge.conf;"])
    main = f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ {inside} }}"
    (folder / "main.conf").write_text(main if os.getuid() == 0 else main.replace("user root; ", ""))
    command = [binary, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(folder / "main.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    with running(command, folder):
        yield


@contextmanager
def caddy(bridge: int, port: int, folder: Path) -> Iterator[None]:
    binary = program("caddy", folder)
    text = changed(
        (DEPLOY / "Caddyfile").read_text(),
        {
            f"\n{HOST} {{": f"\nhttps://{HOST}:{port} {{\n\ttls {CERTIFICATE} {CERTIFICATE}",
            "127.0.0.1:8000": f"127.0.0.1:{bridge}",
            "{\n\tservers": "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers",
        },
    )
    (folder / "Caddyfile").write_text(text)
    options = ["--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    subprocess.run([binary, "validate", *options], check=True, capture_output=True, cwd=folder)
    with running([binary, "run", *options], folder):
        yield


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("behind")
    with serving(folder) as serve:
        yield serve(f"sqlite:///{folder / 'bridge.db'}", Receiver(), BRIDGE_ADMIN_TOKEN="t" * 40)


@pytest.fixture(scope="module", params=[nginx, caddy])
def proxy(
    request: pytest.FixtureRequest, bridge: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Requesting"]:
    start: Callable[[int, int, Path], AbstractContextManager[None]] = request.param
    port = free_port()
    with start(bridge.port, port, tmp_path_factory.mktemp("proxy")):
        until(lambda: listens(port), "the proxy listens")
        yield Requesting(port)


class Requesting:
    """Requests over TLS, by the host's own name, on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._context = ssl.create_default_context()
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE

    def opened(self) -> ssl.SSLSocket:
        connection = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
        return self._context.wrap_socket(connection, server_hostname=HOST)

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str, bytes]:
        """Send a request; return the status, the cookies and the body of its answer."""
        with closing(HTTPConnection(HOST)) as connection:
            connection.sock = self.opened()
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers.get("Set-Cookie", ""), response.read()


def test_a_signed_webhook_is_stored(proxy: Requesting) -> None:
    body = encode(webhook("redemption.succeeded", redemption("r_proxied"), event_id="ev_proxied"))
    status, _, content = proxy("POST", "/webhooks/voucherify", body, **signed(body))
    assert (status, json.loads(content)["status"]) == (202, "stored")


def test_the_bridge_itself_refuses_a_body_over_its_limit(proxy: Requesting) -> None:
    status, _, content = proxy("POST", "/webhooks/voucherify", b"x" * 1_100_000, **signed(b""))
    assert (status, json.loads(content)["error"]["code"]) == (413, "request_entity_too_large")


def test_a_body_over_the_proxys_limit_does_not_reach_the_bridge(proxy: Requesting) -> None:
    status, _, content = proxy("POST", "/webhooks/voucherify", b"x" * 2_200_000, **signed(b""))
    assert status in (413, 502), content


def test_the_console_knows_that_the_browser_uses_https(proxy: Requesting) -> None:
    for forged in ({}, {"X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.1"}):
        status, cookies, _ = proxy("GET", "/console/sign-in", b"", **forged)
        assert status == 200
        assert "; Secure;" in f"{cookies};"


def test_a_slow_sender_never_reaches_the_bridge(proxy: Requesting, bridge: Server) -> None:
    before = bridge.log
    with proxy.opened() as connection:
        connection.settimeout(FACTOR * DEADLINE_SECONDS)
        connection.sendall(f"POST /webhooks/voucherify HTTP/1.1\r\nHost: {HOST}\r\n".encode())
        began = time.monotonic()
        answer = connection.recv(100)
    assert not answer or answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < FACTOR * DEADLINE_SECONDS
    assert bridge.log == before
