"""Call Voucherify's API.

endpoints  the calls: method, path, and the shape of a success
answers    the result of a call, and the time to wait
client     makes one call, within a deadline and the rate limit
"""
