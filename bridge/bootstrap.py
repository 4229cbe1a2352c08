"""The only place where objects are put together."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import Inbox
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.samples import smallest_delivered
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.process.crew import Crew, Hand
from bridge.delivery.process.duty import Duty
from bridge.delivery.process.notifications import Listener, Notifier
from bridge.delivery.rules.retry import Policy
from bridge.errors import StoreUnavailable
from bridge.host import Host
from bridge.intake import DestinationCalls, EventWebhooks, Receiver, TrackingCalls, VoucherifyWebhooks
from bridge.mapping_file import in_force
from bridge.messages import CALLS, RAW_EVENTS, WEBHOOKS
from bridge.operations.bulk_replay import BulkReplayer
from bridge.operations.desk import Desk
from bridge.operations.monitoring.refusals import Refusals
from bridge.operations.upkeep.keeper import House, Keeper
from bridge.settings import Settings, ToVoucherify
from bridge.sinks.segment import DEDUPLICATED_SECONDS, SegmentSink
from bridge.sinks.voucherify import VoucherifySink
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.to_voucherify.raw_events.presets import PRESETS
from bridge.translation import Translator

_log = structlog.get_logger("bridge")

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Bridge:
    """A process's bridge: what takes messages in, what translates and delivers them.

    A direction that is off has no doors and no translators.

    Attributes:
        refusals: how many calls did not prove who sent them.
        keeper: does periodic work, and knows how the process is.
    """

    settings: Settings
    database: Database
    webhooks: VoucherifyWebhooks | None
    calls: DestinationCalls | None
    tracking: TrackingCalls | None
    event_webhooks: EventWebhooks | None
    crew: Crew
    desk: Desk
    keeper: Keeper
    refusals: Refusals

    def close(self) -> None:
        """Finish what is in hand, and let go of the database."""
        self.crew.close()


class Wakes:
    """Wakes workers: those of this host by their bells, those of others by the database."""

    def __init__(self, host: Host, notifier: Notifier) -> None:
        self._host = host
        self._notifier = notifier

    def ring(self) -> None:
        """Wake them."""
        self._host.ring()
        self._notifier.notify()


def build(settings: Settings) -> Bridge:
    """Put a bridge together. Nothing is delivered until its crew is started.

    A database that cannot be reached is no reason to stay down: senders get a 503 until it is back.

    Raises:
        ConfigError: the database's file, or the folder of locks and sockets, cannot be used before somebody changes a
            path or permissions.
    """
    database = Database(settings.database_url)
    database.prepare()
    try:
        database.migrate()
    except StoreUnavailable as error:
        _log.error("store unavailable", reason=str(error))
    host = Host.of(settings.run_dir, settings.database_url)
    notifier = Notifier(database)
    wakes = Wakes(host, notifier)
    inbox, outbox, duty = Inbox(database, wakes), Outbox(database), Duty(host)
    receiver = Receiver(inbox, time.time)
    workers: list[Worker] = []
    queues: list[str] = []
    webhooks = calls = tracking = event_webhooks = None
    mappings: Callable[[], Mappings] = _presets
    policy = Policy(max_age=settings.max_age)
    if out := settings.to_segment:
        recently = partial(smallest_delivered, database, SegmentSink.name, DEDUPLICATED_SECONDS)
        segment = SegmentSink(out.write_key, out.host, gzip=out.gzip, recently_delivered=recently)
        workers.append(Worker(outbox, segment, policy))
        queues.append(WEBHOOKS)
        webhooks = VoucherifyWebhooks(out.webhook_secrets, receiver)
    if back := settings.to_voucherify:
        sink = _voucherify(back, settings.voucherify_url, outbox)
        workers.append(Worker(outbox, sink, policy))
        queues += [CALLS, RAW_EVENTS]
        calls = DestinationCalls(back.app_id, back.secret_key, sink.probe, receiver)
        mappings = in_force(back.mappings)
        if back.write_keys:
            tracking = TrackingCalls(back.write_keys, receiver)
        if back.event_secrets:
            event_webhooks = EventWebhooks(back.event_secrets, receiver)
    _log.info(
        "ready",
        to_segment=settings.to_segment.host if settings.to_segment else "off",
        to_voucherify=settings.voucherify_url if settings.to_voucherify else "off",
        database=database.name,
        worker="embedded" if settings.embedded_worker else "external",
    )
    by_sink = {worker.sink.name: worker for worker in workers}
    translators = [Translator(database, queue, duty, mappings, by_sink) for queue in queues]
    duty.sleepers = [*translators, *workers]
    givers: list[Hand] = [*translators, BulkReplayer(database), Listener(database, host.ring)]

    def disconnect() -> None:
        notifier.close()
        database.close()

    crew = Crew(workers, givers, duty, host, disconnect=disconnect, after_fork=inbox.forget)
    refusals = Refusals()

    def translating() -> dict[str, str]:
        return {one.queue: one.problem for one in translators if crew.runs(one) and one.moves}

    house = House(by_sink, crew.delivering, refusals, settings.retention, translating, queues)
    keeper = Keeper(database, house)
    crew.join(keeper)
    desk = Desk(database, wakes, time.time)
    return Bridge(settings, database, webhooks, calls, tracking, event_webhooks, crew, desk, keeper, refusals)


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
