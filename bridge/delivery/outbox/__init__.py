"""Outbox: deliveries that are not settled.

outbox       enqueue, claim, settle, pause
claims       claims due deliveries, with a lease and a fencing token
settling     records outcomes, and executes decisions
records      attempts and responses, bounded
pauses       pauses that services cause
recovery     a careful call after a pause, and a quick end of an outage
worker       claims, sends and settles, in a loop
sink_states  what people see of a sink, and beats of workers
samples      deliveries that a service accepted lately
"""

from bridge.delivery.outbox import sink_states
from bridge.delivery.outbox.claims import Claim, Room
from bridge.delivery.outbox.outbox import Outbox, enqueue, placed
from bridge.delivery.outbox.samples import smallest_delivered
from bridge.delivery.outbox.sink_states import SinkState
from bridge.delivery.outbox.worker import Worker

__all__ = ["Claim", "Outbox", "Room", "SinkState", "Worker", "enqueue", "placed", "sink_states", "smallest_delivered"]
