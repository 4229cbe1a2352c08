"""Reachability of a service, and the reason if it cannot be reached."""

import socket
import ssl
from collections.abc import Iterator

import requests

from bridge.cli.checking.finding import Finding

PATIENCE_SECONDS = 5.0


def reached(what: str, url: str, variables: str) -> Finding:
    """Check whether a service answers at ``url``; any response is right."""
    try:
        requests.get(url, timeout=PATIENCE_SECONDS, allow_redirects=False, stream=True).close()
    except (requests.RequestException, UnicodeError) as error:
        remedy = f"check {variables}, and that firewall and proxy allow the connection"
        return Finding(what, "wrong", f"{url} does not answer: {why(error)}", remedy)
    return Finding(what, "ok", f"{url} answers")


def why(error: Exception) -> str:
    """Return why a service did not answer."""
    causes = list(_causes(error))
    wording = next((text for one in causes for kind, text in _WORDS if isinstance(one, kind)), "")
    text = next((one.strerror for one in causes if isinstance(one, OSError) and one.strerror), "")
    certificate = next((one for one in causes if isinstance(one, ssl.SSLCertVerificationError)), None)
    return f"{wording}: {certificate.verify_message}" if certificate else wording or text or type(error).__name__


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the host's name cannot be resolved"),
    (ssl.SSLCertVerificationError, "its certificate is not accepted"),
    (ssl.SSLError, "it does not speak TLS: is https right?"),
    (ConnectionRefusedError, "the connection is refused, nothing listens there"),
    (requests.Timeout, f"timeout, nothing came within {PATIENCE_SECONDS:g} s"),
    (requests.exceptions.ProxyError, "the proxy does not let it through"),
)
"""Text by type of error among the causes; the first cause decides."""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the causes of an error, the first cause first."""
    for inner in (getattr(error, "reason", None), error.__cause__, error.__context__, *error.args):
        if isinstance(inner, BaseException) and inner is not error:
            yield from _causes(inner)
    yield error
