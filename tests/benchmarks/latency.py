"""How long a webhook takes from its sender to Segment, at a given load."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge import to_segment
from tests.benchmarks import load, redemption

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Times in seconds, from the request to the arrival at Segment.

    Attributes:
        missing: events that had not come ``PATIENCE_SECONDS`` after the load's end.
    """

    requests_per_second: float
    p50: float
    p95: float
    p99: float
    missing: int


def measure(port: int, segment_port: int, rate: float, seconds: float, first: int) -> Latency:
    """Post ``rate`` webhooks a second, numbered from ``first`` on."""
    numbers = range(first, first + max(1, int(rate * seconds)))
    ids = [_message_id(number) for number in numbers]
    times = load.paced(port, [redemption.http_request(number) for number in numbers], rate)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (arrivals := load.arrivals(segment_port)).keys() >= set(ids) and time.monotonic() < deadline:
        time.sleep(0.1)
    took = sorted(arrivals[key] - at for key, at in zip(ids, times, strict=True) if key in arrivals)
    if not took:
        raise TimeoutError("no event was delivered")
    p50, p95, p99 = (load.percentile(took, percent) for percent in (50, 95, 99))
    return Latency(rate, p50, p95, p99, len(ids) - len(took))


def _message_id(number: int) -> str:
    [outgoing] = to_segment.translate(redemption.body(number), datetime.now(UTC)).outgoing
    return outgoing.key
