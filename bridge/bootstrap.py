"""The only place where objects are put together."""

import time
from dataclasses import dataclass

import structlog

from bridge.config import Settings
from bridge.delivery.crew import Crew
from bridge.delivery.database import Database
from bridge.delivery.group_commit import GroupCommit
from bridge.delivery.outbox import Outbox
from bridge.delivery.retry import Policy
from bridge.delivery.sink import Sink
from bridge.delivery.worker import Worker
from bridge.errors import StoreUnavailable
from bridge.intake import VoucherifyWebhooks
from bridge.sinks.segment import SegmentSink

_log = structlog.get_logger("bridge")


@dataclass(frozen=True, slots=True)
class Bridge:
    """A process's bridge: what it keeps arrivals in, what takes them, and who delivers."""

    settings: Settings
    database: Database
    webhooks: VoucherifyWebhooks
    crew: Crew


def build(settings: Settings) -> Bridge:
    """Put a bridge together. Nothing is delivered until its crew is started.

    A database that cannot be reached is no reason to stay down: senders get a 503 until it is back.
    """
    database = Database(settings.database_url)
    try:
        database.migrate()
    except StoreUnavailable as error:
        _log.error("store unavailable", reason=str(error))
    commit = GroupCommit(database)
    outbox = Outbox(database)
    policy = Policy(max_age=settings.max_age)
    workers = [Worker(outbox, sink, policy) for sink in _sinks(settings)]
    return Bridge(
        settings=settings,
        database=database,
        webhooks=VoucherifyWebhooks(settings.webhook_secrets, commit.keep, time.time),
        crew=Crew(workers, before_fork=database.close, after_fork=commit.forget),
    )


def _sinks(settings: Settings) -> list[Sink]:
    return [SegmentSink(settings.write_key, settings.segment_host, gzip=settings.segment_gzip)]
