"""The least that any Flask application costs: read the body, answer."""

from flask import Flask, request

app = Flask(__name__)


@app.post("/webhooks/voucherify")
def receive() -> tuple[dict[str, int], int]:
    return {"bytes": len(request.get_data())}, 202
