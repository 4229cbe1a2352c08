"""Assembly of all objects of a process."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from bridge.delivery.counts.tallies import expect
from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import Inbox
from bridge.delivery.outbox import Outbox, Worker, smallest_delivered
from bridge.delivery.process.crew import Crew, Hand
from bridge.delivery.process.duty import Duty
from bridge.delivery.process.notifications import Listener, Notifier
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Sink
from bridge.directions import DIRECTIONS, TO_SEGMENT, TO_VOUCHERIFY
from bridge.doors import SEGMENT_DESTINATION, SEGMENT_WEBHOOKS, TRACKING_API, VOUCHERIFY_WEBHOOKS, direction_of_queue
from bridge.errors import InvalidMappings, StoreUnavailable
from bridge.host import Host, Rates
from bridge.intake import DestinationCalls, EventWebhooks, Receiver, TrackingCalls, VoucherifyWebhooks
from bridge.mapping_file import in_force
from bridge.messages import EVENT_TYPES, QUEUES
from bridge.operations.bulk_replay import BulkReplayer
from bridge.operations.desk import Desk
from bridge.operations.monitoring.refusals import Refusals
from bridge.operations.upkeep.keeper import House, Keeper
from bridge.settings import Settings, ToVoucherify
from bridge.sinks.segment import DEDUPLICATED_SECONDS, SegmentSink
from bridge.sinks.voucherify import VoucherifySink
from bridge.to_segment.catalogue import EVENTS
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.translation import Rules, Translator

_log = structlog.get_logger("bridge")

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Bridge:
    """The bridge of one process: its intakes, and its translation and delivery.

    Attributes:
        intakes: by the stem of their doors. A direction that is off has none.
        refusals: numbers of requests without a valid proof of their sender.
        keeper: does periodic jobs, and knows the problems of the process.
    """

    settings: Settings
    database: Database
    intakes: Mapping[str, Any]
    crew: Crew
    desk: Desk
    keeper: Keeper
    refusals: Refusals

    def close(self) -> None:
        """Finish the current work, and close the database."""
        self.crew.close()


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts that a direction is built from."""

    settings: Settings
    database: Database
    outbox: Outbox
    receiver: Receiver
    rates: Rates


@dataclass(frozen=True, slots=True)
class Side:
    """A direction that is on.

    Attributes:
        intakes: its intakes, by the stem of their doors.
        sink: its sink.
        address: address of the sink's service, for the log.
    """

    intakes: Mapping[str, Any]
    sink: Sink
    address: str


class Wakes:
    """Wakes workers: of this host by bells, of others by the database."""

    def __init__(self, host: Host, notifier: Notifier) -> None:
        self._host = host
        self._notifier = notifier

    def ring(self) -> None:
        """Wake all workers."""
        self._host.ring()
        self._notifier.notify()


def build(settings: Settings) -> Bridge:
    """Build the bridge of a process; nothing runs until its crew is started.

    Raises:
        ConfigError: the database's file, or the folder of locks and sockets, cannot be used.
    """
    database = _opened(settings.database_url)
    host = Host.of(settings.run_dir, settings.database_url)
    notifier = Notifier(database)
    wakes = Wakes(host, notifier)
    inbox, outbox, duty = Inbox(database, wakes), Outbox(database), Duty(host)
    parts = Parts(settings, database, outbox, Receiver(inbox, time.time), host.rates())
    sides = {key: side for key, build in SIDES.items() if (side := build(parts))}
    workers = {side.sink.name: Worker(outbox, side.sink, Policy(max_age=settings.max_age)) for side in sides.values()}
    queues = [queue for queue in QUEUES if direction_of_queue(queue) in sides]
    _log.info(
        "ready",
        **{key: sides[key].address if key in sides else "off" for key in DIRECTIONS},
        database=database.name,
        worker="embedded" if settings.embedded_worker else "external",
    )
    mappings = in_force(settings.to_voucherify.mappings if settings.to_voucherify else None)
    expect(database.engine, _expected_names(mappings))
    keys = settings.to_voucherify.write_keys if settings.to_voucherify else ()
    rules = Rules(mappings, {key.digest: key.types for key in keys})
    translators = [Translator(database, queue, duty, rules, workers) for queue in queues]
    duty.sleepers = [*translators, *workers.values()]
    givers: list[Hand] = [*translators, BulkReplayer(database), Listener(database, host.ring)]

    def disconnect() -> None:
        notifier.close()
        database.close()

    crew = Crew(list(workers.values()), givers, duty, host, disconnect=disconnect, after_fork=inbox.forget)
    refusals = Refusals()

    def translating() -> dict[str, str]:
        return {one.queue: one.problem for one in translators if crew.runs(one) and one.moves}

    house = House(workers, crew.delivering, refusals, settings.retention, translating, queues)
    keeper = Keeper(database, house)
    crew.join(keeper)
    desk = Desk(database, wakes, time.time)
    intakes = {stem: intake for side in sides.values() for stem, intake in side.intakes.items()}
    return Bridge(settings, database, intakes, crew, desk, keeper, refusals)


def _expected_names(mappings: Callable[[], Mappings]) -> set[str]:
    """Return the names of events that are always counted: of the catalogue, and in the mappings' triggers."""
    try:
        triggers = " ".join(str(one.trigger) for one in mappings())
    except InvalidMappings:
        triggers = ""
    return {*(event.name for event in EVENTS), *EVENT_TYPES, *_QUOTED.findall(triggers)}


_QUOTED = re.compile(r'"([^"]+)"')


def _opened(url: str) -> Database:
    """Open the database.

    If it does not answer, requests are answered 503 until it does.

    Raises:
        ConfigError: a path or permission prevents use of SQLite's file.
    """
    database = Database(url)
    database.prepare()
    try:
        database.migrate()
    except StoreUnavailable as error:
        _log.error("store unavailable", reason=str(error))
    return database


def _to_segment(parts: Parts) -> Side | None:
    settings = parts.settings.to_segment
    if settings is None:
        return None
    recently = partial(smallest_delivered, parts.database, SegmentSink.name, DEDUPLICATED_SECONDS)
    sink = SegmentSink(settings.write_key, settings.host, gzip=settings.gzip, recently_delivered=recently)
    return Side(
        {VOUCHERIFY_WEBHOOKS: VoucherifyWebhooks(settings.webhook_secrets, parts.receiver)}, sink, settings.host
    )


def _to_voucherify(parts: Parts) -> Side | None:
    settings, url = parts.settings.to_voucherify, parts.settings.voucherify_url
    if settings is None:
        return None
    sink = _voucherify_sink(settings, url, parts.outbox)
    intakes: dict[str, Any] = {
        SEGMENT_DESTINATION: DestinationCalls(settings.app_id, settings.secret_key, sink.probe, parts.receiver)
    }
    if settings.write_keys:
        intakes[TRACKING_API] = TrackingCalls(settings.write_keys, parts.rates, parts.receiver)
    if settings.event_secrets:
        intakes[SEGMENT_WEBHOOKS] = EventWebhooks(settings.event_secrets, parts.receiver)
    return Side(intakes, sink, url)


SIDES: Mapping[str, Callable[[Parts], Side | None]] = {TO_SEGMENT: _to_segment, TO_VOUCHERIFY: _to_voucherify}
"""Builder of each direction, which returns None if it is off."""


def _voucherify_sink(settings: ToVoucherify, url: str, outbox: Outbox) -> VoucherifySink:
    def allow() -> float:
        now = time.time()
        # Another process may have begun a pause since this one began to send.
        if (pause := outbox.pause(VoucherifySink.name, now)) or settings.rate_limit is None:
            return pause
        return outbox.reserve(VoucherifySink.name, MINUTE / settings.rate_limit, now)

    return VoucherifySink(settings.app_id, settings.secret_key, url, allow=allow)
