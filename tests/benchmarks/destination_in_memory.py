"""What a destination costs that keeps calls in memory: check the keys, validate by the bridge's schema, answer."""

import hmac
import os
from base64 import b64encode

from flask import Flask, request

from bridge import to_voucherify
from bridge.doors import ACTIONS
from bridge.errors import Invalid

KEYS = {
    "Authorization": f"Basic {b64encode(os.environ['VOUCHERIFY_APP_ID'].encode()).decode()}",
    "Secret-Key": b64encode(os.environ["VOUCHERIFY_SECRET_KEY"].encode()).decode(),
}
calls: list[bytes] = []
app = Flask(__name__)


@app.post("/segmentio/<name>")
def receive(name: str) -> tuple[dict[str, str], int]:
    if not all(hmac.compare_digest(request.headers.get(header, ""), key) for header, key in KEYS.items()):
        return {"error": "unauthorized"}, 401
    body = request.get_data()
    try:
        to_voucherify.check(ACTIONS[f"segmentio/{name}"], body)
    except Invalid as error:
        return {"error": str(error)}, 400
    calls.append(body)
    return {"status": "stored", "id": str(len(calls))}, 200
