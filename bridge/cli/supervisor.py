"""Supervisor of two processes of one host: the web server and the worker.

- A process that ends is started again, after a pause. The pause doubles while the process ends soon after its start.
- A process that cannot run with these settings ends the supervisor, since the settings stay wrong.
- A worker whose presence file does not change is killed.
- SIGTERM and SIGINT end the web server first, then the worker. SIGHUP reloads both.

There is one thread with one loop. A signal sets a flag for the next turn.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

TURN_SECONDS = 0.1
"""Seconds between two checks of both processes."""

SOON_SECONDS = 10.0
"""Seconds after its start before which the end of a process lengthens the pause."""

STARTED_SECONDS = 30.0
"""Seconds after which a process has started.

gunicorn gives up a port that is in use sooner.
"""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
"""Seconds of the first and of the longest pause before a restart."""

_log = structlog.get_logger("bridge.serve")


@dataclass(frozen=True, slots=True)
class Program:
    """Command of a process.

    Attributes:
        name: what the log calls it.
        command: the program and its arguments.
        environment: its variables.
        fatal: exit codes after which another start makes no sense.
        must_start: whether any error at its first start makes none.
        stop_seconds: time to end after SIGTERM; then it is killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    fatal: frozenset[int]
    stop_seconds: float
    must_start: bool = False


class Child:
    """A program, and its process while it runs."""

    def __init__(self, program: Program, clock: Callable[[], float] = time.monotonic) -> None:
        self.program = program
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._has_started = False
        self._quick_ends = 0
        self._started_at = 0.0
        self._starts_at = 0.0
        self._kill_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Id of its process while it runs."""
        return self._process.pid if self._process else None

    def turn(self) -> int | None:
        """Notice its end, start it when due, or kill it when late.

        Returns its exit code if a restart is useless.
        """
        now = self._clock()
        if self._process and (code := self._process.poll()) is not None:
            return self._ended(code, now)
        if self._process is None and now >= self._starts_at:
            self._start(now)
        elif self._kill_at is not None and now > self._kill_at:
            self.kill("did not end in time")
        return None

    def restart(self) -> None:
        """End the process; a turn after its end starts it again."""
        if self._process and self._kill_at is None:
            self._terminate()

    def stop(self) -> None:
        """End the process permanently, and wait for it."""
        if self._process is None:
            return
        self._terminate()
        try:
            self._process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill("did not end in time")
            self._process.wait()
        self._forget("stopped", self._process.returncode)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process if it runs."""
        if self._process:
            self._process.send_signal(number)

    def kill(self, reason: str) -> None:
        """Kill the process and its children."""
        self._kill_at = None
        if self._process:
            _log.error("killed", process=self.program.name, pid=self._process.pid, reason=reason)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _start(self, now: float) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter; the options are the operator's
            self.program.command,
            env=self.program.environment,
            process_group=0,  # Ctrl-C reaches the supervisor alone
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 - it makes two system calls, and takes no lock
        )
        self._started_at = now
        _log.info("started", process=self.program.name, pid=self._process.pid)

    def _terminate(self) -> None:
        self.send(signal.SIGTERM)
        self._kill_at = self._clock() + self.program.stop_seconds

    def _ended(self, code: int, now: float) -> int | None:
        was_asked, lived = self._kill_at is not None, now - self._started_at
        self._has_started = self._has_started or lived >= STARTED_SECONDS
        if was_asked:
            self._forget("ended", code)
            return None
        if code in self.program.fatal or (code > 0 and self.program.must_start and not self._has_started):
            self._forget("cannot start", code)
            return code
        self._quick_ends = self._quick_ends + 1 if lived < SOON_SECONDS else 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (self._quick_ends - 1), LONGEST_PAUSE_SECONDS)
        self._starts_at = now + pause
        self._forget("ended unexpectedly", code, starts_again_in_seconds=pause)
        return None

    def _forget(self, what: str, code: int, **more: float) -> None:
        report = _log.info if what in ("ended", "stopped") else _log.error
        report(what, process=self.program.name, pid=self.pid, code=code, **more)
        self._process, self._kill_at = None, None


class Watch:
    """Measures for how long a process has made no progress.

    Time in which the supervisor itself did not run does not count: the host or the container was stopped.
    """

    def __init__(self, progress: Callable[[int], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._mark: tuple[int, int] | None = None
        self._looked_at = clock()
        self._silent_seconds = 0.0

    def reset(self) -> None:
        """Begin a new measurement."""
        self._mark = None

    def silent_seconds(self, pid: int | None) -> float:
        """Return seconds since its last progress; 0 before its first."""
        now = self._clock()
        mark = None if pid is None or (progress := self._progress(pid)) is None else (pid, progress)
        if mark is None or mark != self._mark:
            self._silent_seconds = 0.0
        else:
            self._silent_seconds += min(now - self._looked_at, 10 * TURN_SECONDS)
        self._mark, self._looked_at = mark, now
        return self._silent_seconds


class Supervisor:
    """Runs the web server and the worker until a signal.

    Args:
        web: ends first.
        worker: ends last.
        watch: measures for how long the worker makes no progress.
        hang_seconds: time without progress after which it is killed.
        may_reload: asked at SIGHUP.
    """

    def __init__(
        self, web: Child, worker: Child, watch: Watch, hang_seconds: float, may_reload: Callable[[], bool]
    ) -> None:
        self._web = web
        self._worker = worker
        self._watch = watch
        self._hang_seconds = hang_seconds
        self._may_reload = may_reload
        self._notes: set[int] = set()

    def run(self) -> int:
        """Supervise both processes, and return the exit code.

        It is 0 after SIGTERM or SIGINT, else that of the process that cannot run.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: self._notes.add(number))
        code = None
        while code is None and not self._notes & {signal.SIGTERM, signal.SIGINT}:
            if signal.SIGHUP in self._notes:
                self._notes.remove(signal.SIGHUP)
                self._reload()
            code = self._turn()
            time.sleep(TURN_SECONDS)
        _log.info("stopping")
        self._web.stop()
        self._worker.stop()
        return code or 0

    def _turn(self) -> int | None:
        if self._watch.silent_seconds(self._worker.pid) > self._hang_seconds:
            self._worker.kill(f"no progress for {self._hang_seconds:g} s")
            self._watch.reset()
        for child in (self._web, self._worker):
            if code := child.turn():
                return code
        return None

    def _reload(self) -> None:
        if not self._may_reload():
            return
        _log.info("reloading")
        self._web.send(signal.SIGHUP)
        self._worker.restart()


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """Return the first step of a new process: ask for SIGTERM at its parent's end.

    Only Linux can do that: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
    """
    if sys.platform != "linux":
        return None
    prctl, pr_set_pdeathsig = ctypes.CDLL(None).prctl, 1

    def ask() -> None:
        prctl(pr_set_pdeathsig, signal.SIGTERM)
        if os.getppid() != parent:  # it has ended already
            os._exit(1)

    return ask
