"""The outbox: deliveries that wait, are sent, and are settled.

outbox       the room's entry: enqueue, claim, settle, pause
claims       takes what is due, under a lease and a fencing token
settling     records what happened, and does what was decided
worker       claim, send, settle, over and over
sink_states  who may call a service, and whether a worker is alive
samples      what a service accepted lately
"""
