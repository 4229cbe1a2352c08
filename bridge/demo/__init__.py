"""Try the bridge: stand-ins for both services, and sample events.

The stand-ins speak the services' protocols over a socket.

calls               sample calls of Segment's destination, and a sample raw event
samples             sample webhooks of Voucherify, one for each event
segment             the stand-in for Segment's tracking API
voucherify          the stand-in for Voucherify's API
voucherify_project  the data of the Voucherify stand-in
metadata_schemas    the metadata schemas of the Voucherify stand-in
limit               the rate limit of the Voucherify stand-in
serving             serves a stand-in on a local port
play                the demo itself
"""
