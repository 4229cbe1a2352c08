"""Web server: gunicorn's threads, behind a buffer. gunicorn loads ``bridge.buffering.Worker``.

    accepted ─▶ HEAD ─▶ BODY ─▶ thread ─▶ ANSWER ─▶ IDLE ─▶ HEAD …
                  └───────┴── overdue: 408 ──┴─────────▶ CLOSING ─▶ closed

gunicorn's own threads read a request and write its answer. A peer that is slow holds a thread for as long as it likes,
and about 64 such peers stop the service. Here a connection is in one of two hands:

- The main loop has the connections that wait for their peer. It reads and writes what the kernel takes at once, and
  never blocks. A slow peer costs a file descriptor and the bytes it sent.
- A thread has a connection whose request is complete. It parses, answers, and never waits for the peer. What the kernel
  does not take of an answer at once, the main loop writes.

``Wait`` names what a connection waits for. Each has a deadline, which no byte extends. A process holds a bounded number
of connections and of bytes. Where one more connection would exceed its bound, the one that has waited longest is
closed. Where one more byte would, bodies are read no further, and the connections that have waited longest are closed.

gunicorn's parser reads every request, from the buffer, so its defences against smuggling apply. ``message_end`` only
says when to begin: once a head or a body is complete, broken, or too long. If the two ever disagree, the parser finds
that the body ends too early, and the connection is closed. A thread also gets a body that is over the limit, or that
the peer cut off: the application refuses it, and the connection is closed after the answer.

TLS and ``Expect: 100-continue`` work. HTTP/2 and the PROXY protocol are not supported.

gunicorn's main process imports this package, so a reload with SIGHUP does not load a new version of it.
"""

from bridge.buffering.worker import Worker

__all__ = ["Worker"]
