"""The client of Voucherify's API.

endpoints  the calls: method, path, and the shape of a success
answers    what Voucherify answered, and how long to wait
client     sends one call, within a deadline and the rate limit
"""
