"""``/metrics`` for Prometheus.

This module counts nothing. The database has the counts, written in the transaction of the event. So every process
serves the right values, with workers on other machines, and after any restart. All processes serve the same values:
scrape one of them.
"""

import time
from collections.abc import Iterator
from math import inf

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bridge.delivery.counts.tallies import BOUNDS, ERROR, OF_THE_BRIDGE, REFUSED, RETRIED
from bridge.delivery.database.engine import Database
from bridge.delivery.rules.retry import Fate
from bridge.directions import DIRECTIONS
from bridge.messages import Status
from bridge.operations.monitoring.concerns import PAUSED, REFUSING, SILENT
from bridge.operations.monitoring.measures import Measures, measures
from bridge.prose import scrub

_ANY = tuple(Status)

COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "bridge_received": ("Messages received, with any outcome.", _ANY),
    "bridge_duplicates": ("Messages that repeat an earlier one.", (Status.DUPLICATE,)),
    "bridge_ignored": ("Messages without a delivery.", (Status.IGNORED,)),
    "bridge_quarantined": ("Authentic messages that cannot be translated.", (Status.QUARANTINED,)),
    "bridge_delivered": ("Deliveries that the service has accepted.", (Fate.DELIVERED,)),
    "bridge_failed": ("Deliveries that became dead or uncertain.", (Fate.DEAD, Fate.UNCERTAIN)),
    "bridge_discarded": ("Deliveries and quarantined messages that an operator discarded.", (Fate.DISCARDED,)),
    "bridge_retried": ("Attempts that are retried.", (RETRIED,)),
}
"""Counters by name: help text, and the counted outcomes.

Each has the labels direction and event.
"""

STANDING: dict[str, tuple[str, tuple[str, ...]]] = {
    "bridge_waiting": ("Deliveries that wait for a call.", (Fate.WAITING, Fate.QUEUED)),
    "bridge_sending": ("Deliveries that a worker is sending.", (Fate.SENDING,)),
    "bridge_dead_letters": ("Deliveries that were rejected permanently or are too old.", (Fate.DEAD,)),
    "bridge_uncertain": ("Deliveries with an unknown outcome; an operator decides.", (Fate.UNCERTAIN,)),
}
"""Gauges by name: help text, and the counted statuses, by sink."""


def blueprint(database: Database) -> Blueprint:
    """Serve ``GET /metrics``; 503 if the database does not answer."""
    pages = Blueprint("metrics", __name__)

    @pages.get("/metrics")
    def metrics() -> Response:
        now = time.time()
        with database.reading() as connection:
            numbers = measures(connection, now)
        return Response(exposition(numbers, now), content_type=CONTENT_TYPE_LATEST)

    return pages


def exposition(numbers: Measures, now: float) -> bytes:
    """Return the measures in Prometheus's format."""
    registry = CollectorRegistry()
    registry.register(_Collector(numbers, now))
    return generate_latest(registry)


class _Collector(Collector):
    """The measures, as a collector."""

    def __init__(self, numbers: Measures, now: float) -> None:
        self._found = numbers
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield from _counters(self._found)
        yield from _standing(self._found)
        yield from _sinks(self._found, self._now)
        yield from _queues(self._found, self._now)
        yield _latencies(self._found)
        yield from _concerns(self._found)


def _counters(numbers: Measures) -> Iterator[Metric]:
    for name, (text, whats) in COUNTERS.items():
        counter = CounterMetricFamily(name, text, labels=["direction", "event"])
        totals: dict[tuple[str, str], int] = {}
        for direction, event, what, count in numbers.totals:
            if what in whats:
                key = (direction, scrub(event))  # names that differ only in what is hidden are one
                totals[key] = totals.get(key, 0) + count
        for key, count in totals.items():
            counter.add_metric(key, count)
        yield counter
    refused = CounterMetricFamily(
        "bridge_signature_failures", "Requests with a wrong or missing signature, key or secret.", labels=["direction"]
    )
    for direction in DIRECTIONS:
        count = sum(one[3] for one in numbers.totals if one[0] == direction and one[2] == REFUSED)
        refused.add_metric([direction], count)
    yield refused
    errors = CounterMetricFamily("bridge_errors", "Unexpected errors, by thread.", labels=["thread"])
    for direction, thread, what, count in numbers.totals:
        if direction == OF_THE_BRIDGE and what == ERROR:
            errors.add_metric([thread], count)
    yield errors


def _standing(numbers: Measures) -> Iterator[Metric]:
    for name, (text, fates) in STANDING.items():
        gauge = GaugeMetricFamily(name, text, labels=["sink"])
        for sink in numbers.sinks:
            gauge.add_metric([sink.name], sum(numbers.standing.get((sink.name, fate), 0) for fate in fates))
        yield gauge
    oldest = GaugeMetricFamily("bridge_oldest_waiting_seconds", "Age of the oldest waiting delivery.", labels=["sink"])
    for name, seconds in numbers.oldest_waiting.items():
        oldest.add_metric([name], seconds)
    yield oldest


def _sinks(numbers: Measures, now: float) -> Iterator[Metric]:
    paused = GaugeMetricFamily("bridge_sink_paused", "1 if the sink is paused.", labels=["sink"])
    beat = GaugeMetricFamily(
        "bridge_worker_beat_age_seconds", "Age of the last sign of a worker of the sink.", labels=["sink"]
    )
    for sink in numbers.sinks:
        paused.add_metric([sink.name], float(sink.state == PAUSED))
        beat.add_metric([sink.name], max(0.0, now - sink.beat_at))
    yield paused
    yield beat


def _queues(numbers: Measures, now: float) -> Iterator[Metric]:
    pending = GaugeMetricFamily("bridge_pending_messages", "Messages that wait for translation.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "bridge_oldest_pending_seconds", "Age of the oldest message that waits for translation.", labels=["queue"]
    )
    paused = GaugeMetricFamily(
        "bridge_translation_paused", "1 if an operator has paused the translation.", labels=["queue"]
    )
    problem = GaugeMetricFamily(
        "bridge_translation_problem", "1 if nothing is translated, or only with errors.", labels=["queue"]
    )
    beat = GaugeMetricFamily(
        "bridge_translator_beat_age_seconds", "Age of the last sign of a translator.", labels=["queue"]
    )
    for one in numbers.queues:
        pending.add_metric([one.queue], one.pending)
        oldest.add_metric([one.queue], one.oldest_seconds or 0.0)
        paused.add_metric([one.queue], float(one.is_paused))
        problem.add_metric([one.queue], float(bool(one.problem)))
        if one.beat_at:  # a queue of a direction that is off has never had one
            beat.add_metric([one.queue], max(0.0, now - one.beat_at))
    yield from (pending, oldest, paused, problem, beat)


def _latencies(numbers: Measures) -> Metric:
    histogram = HistogramMetricFamily(
        "bridge_delivery_seconds", "Time from receipt or replay to delivery.", labels=["sink"]
    )
    for name, one in numbers.latencies.items():
        counts, total = dict(one.counts), 0
        buckets = []
        for up_to in (*BOUNDS, inf):
            total += counts.get(up_to, 0)
            buckets.append(("+Inf" if up_to == inf else str(up_to), float(total)))
        histogram.add_metric([name], buckets, one.seconds)
    return histogram


def _concerns(numbers: Measures) -> Iterator[Metric]:
    for kind, name, text in (
        (SILENT, "bridge_silent", "1 if nothing arrives for longer than usual."),
        (REFUSING, "bridge_refusing", "1 if every request of the last minutes was refused."),
    ):
        gauge = GaugeMetricFamily(name, text, labels=["direction"])
        directions = {concern.direction for concern in numbers.concerns if concern.kind == kind}
        for direction in DIRECTIONS:
            gauge.add_metric([direction], float(direction in directions))
        yield gauge
