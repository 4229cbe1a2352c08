"""The only place where objects are put together."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from bridge.config import Settings, ToVoucherify
from bridge.delivery.bulk import BulkReplayer
from bridge.delivery.crew import Crew
from bridge.delivery.database import Database
from bridge.delivery.desk import Desk
from bridge.delivery.group_commit import GroupCommit
from bridge.delivery.keeper import House, Keeper
from bridge.delivery.memory import Memory
from bridge.delivery.outbox import Outbox
from bridge.delivery.refusals import Refusals
from bridge.delivery.retry import Policy
from bridge.delivery.samples import smallest_delivered
from bridge.delivery.worker import Worker
from bridge.errors import StoreUnavailable
from bridge.intake import DestinationCalls, EventWebhooks, TrackingCalls, VoucherifyWebhooks, again
from bridge.mapping_file import VARIABLE, in_force
from bridge.sinks.segment import DEDUPLICATED_SECONDS, SegmentSink
from bridge.sinks.voucherify import VoucherifySink
from bridge.to_voucherify.mappings import Mappings
from bridge.to_voucherify.presets import PRESETS

_log = structlog.get_logger("bridge")

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Bridge:
    """A process's bridge: what it keeps arrivals in, what takes them, and who delivers.

    A direction that is off has nobody to take its messages, and so has a door that is shut.

    Attributes:
        mappings: what becomes of raw events, at the moment.
        refusals: how many calls did not prove who sent them.
        keeper: keeps the house with the crew, and knows how it is.
    """

    settings: Settings
    database: Database
    webhooks: VoucherifyWebhooks | None
    calls: DestinationCalls | None
    tracking: TrackingCalls | None
    event_webhooks: EventWebhooks | None
    mappings: Callable[[], Mappings]
    crew: Crew
    desk: Desk
    keeper: Keeper
    refusals: Refusals

    def close(self) -> None:
        """Finish what is in hand, and let go of the database."""
        self.crew.stop()
        self.database.close()


def build(settings: Settings) -> Bridge:
    """Put a bridge together. Nothing is delivered until its crew is started.

    A database that cannot be reached is no reason to stay down: senders get a 503 until it is back.

    Raises:
        ConfigError: the file of mappings is wrong, and was never right.
    """
    database = Database(settings.database_url)
    try:
        database.migrate()
    except StoreUnavailable as error:
        _log.error("store unavailable", reason=str(error))
    commit = GroupCommit(database)
    outbox = Outbox(database)
    hire = partial(Worker, outbox, policy=Policy(max_age=settings.max_age))
    workers, webhooks, calls, tracking, event_webhooks, mappings = [], None, None, None, None, _presets
    if out := settings.to_segment:
        recently = partial(smallest_delivered, database, SegmentSink.name, DEDUPLICATED_SECONDS)
        workers.append(hire(SegmentSink(out.write_key, out.host, gzip=out.gzip, recently_delivered=recently)))
        webhooks = VoucherifyWebhooks(out.webhook_secrets, commit.keep, time.time)
    if back := settings.to_voucherify:
        sink = _voucherify(back, settings.voucherify_url, outbox)
        workers.append(hire(sink))
        calls = DestinationCalls(back.app_id, back.secret_key, sink.probe, commit.keep, time.time)
        mappings = in_force(back.mappings, memory_of(database, back.mappings))
        if back.write_keys:
            tracking = TrackingCalls(back.write_keys, mappings, commit.keep_all, time.time)
        if back.event_secrets:
            event_webhooks = EventWebhooks(back.event_secrets, mappings, commit.keep_all, time.time)
    _log.info(
        "ready",
        to_segment=settings.to_segment.host if settings.to_segment else "off",
        to_voucherify=settings.voucherify_url if settings.to_voucherify else "off",
        database=database.name,
        worker="embedded" if settings.embedded_worker else "external",
    )
    hands = [BulkReplayer(database, again(mappings))]
    crew = Crew(workers, before_fork=database.close, after_fork=commit.forget, hands=hands)
    operators, refusals = desk(database, mappings), Refusals()
    sinks = [worker.sink.name for worker in workers]
    keeper = Keeper(database, House(sinks, crew.delivering, refusals, settings.retention, look=mappings))
    crew.join(keeper)
    doors = (webhooks, calls, tracking, event_webhooks)
    return Bridge(settings, database, *doors, mappings, crew, operators, keeper, refusals)


def desk(database: Database, mappings: Callable[[], Mappings]) -> Desk:
    """Where an operator acts, with the mappings in force then."""
    return Desk(database, again(mappings), time.time)


def memory_of(database: Database, mappings: Path | None) -> Memory:
    """Where it is remembered what the file of ``mappings`` said when it was last right."""
    return Memory(database, f"{VARIABLE} {mappings}")


def _presets() -> Mappings:
    return PRESETS


def _voucherify(settings: ToVoucherify, url: str, outbox: Outbox) -> VoucherifySink:
    def allow() -> float:
        now = time.time()
        # Another process may have been told to wait since this one began to send.
        if (pause := outbox.pause(VoucherifySink.name, now)) or settings.rate_limit is None:
            return pause
        return outbox.reserve(VoucherifySink.name, MINUTE / settings.rate_limit, now)

    return VoucherifySink(settings.app_id, settings.secret_key, url, allow=allow)
