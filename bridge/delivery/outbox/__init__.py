"""Outbox: deliveries that are not settled.

outbox       enqueue, claim, settle, pause
claims       takes what is due, under a lease and a fencing token
settling     records what happened, and does what was decided
worker       claim, send, settle, over and over
sink_states  who may call a service, and whether a worker is alive
samples      what a service accepted lately
"""

from bridge.delivery.outbox import sink_states
from bridge.delivery.outbox.claims import Claim, Room
from bridge.delivery.outbox.outbox import Outbox, enqueue, placed
from bridge.delivery.outbox.samples import smallest_delivered
from bridge.delivery.outbox.sink_states import SinkState
from bridge.delivery.outbox.worker import Worker

__all__ = ["Claim", "Outbox", "Room", "SinkState", "Worker", "enqueue", "placed", "sink_states", "smallest_delivered"]
