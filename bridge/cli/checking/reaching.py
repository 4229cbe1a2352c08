"""Reachability of a service, and the reason if it cannot be reached."""

import socket
import ssl
from collections.abc import Iterator

import requests

from bridge.cli.checking.finding import Finding
from bridge.http import BoundedAdapter

PATIENCE_SECONDS = 5.0
"""Seconds of a call, from the resolution of the name to its last byte."""


def reached(what: str, url: str, variables: str) -> Finding:
    """Check whether a service answers at ``url``; any response is right."""
    try:
        _call(url)
    except (requests.RequestException, UnicodeError) as error:
        remedy = f"check {variables}, and that firewall and proxy allow the connection"
        return Finding(what, "wrong", f"{url} does not answer: {why(error)}", remedy)
    return Finding(what, "ok", f"{url} answers")


def _call(url: str) -> None:
    """Read the beginning of any response; a redirect is not followed."""
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, BoundedAdapter(PATIENCE_SECONDS, longest=0))
        session.get(url, timeout=PATIENCE_SECONDS, allow_redirects=False)


def why(error: Exception) -> str:
    """Return why a service did not answer."""
    causes = list(_causes(error))
    wording = next((text for one in causes for kind, text in _WORDS if isinstance(one, kind)), "")
    text = next((one.strerror for one in causes if isinstance(one, OSError) and one.strerror), "")
    certificate = next((one for one in causes if isinstance(one, ssl.SSLCertVerificationError)), None)
    return f"{wording}: {certificate.verify_message}" if certificate else wording or text or type(error).__name__


_WORDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (socket.gaierror, "the host's name cannot be resolved"),
    (ssl.SSLCertVerificationError, "its certificate is not accepted"),
    (ssl.SSLError, "it does not speak TLS: is https right?"),
    (ConnectionRefusedError, "the connection is refused, nothing listens there"),
    ((requests.Timeout, TimeoutError), f"timeout, nothing came within {PATIENCE_SECONDS:g} s"),
    (requests.exceptions.ProxyError, "the proxy does not let it through"),
)
"""Text by type of error among the causes; the first cause decides."""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the causes of an error, the first cause first."""
    for inner in (getattr(error, "reason", None), error.__cause__, error.__context__, *error.args):
        if isinstance(inner, BaseException) and inner is not error:
            yield from _causes(inner)
    yield error
