"""What one would write without this project: check, translate by hand, and leave the rest to the SDK's memory."""

import hashlib
import hmac
import os
from functools import cache
from typing import Any

from flask import Flask, request
from marshmallow import INCLUDE, Schema, ValidationError, fields
from segment.analytics.client import Client


class Open(Schema):
    class Meta:
        unknown = INCLUDE


class Customer(Open):
    source_id = fields.String(required=True)
    email = fields.Email(allow_none=True)
    name = fields.String(allow_none=True)
    metadata = fields.Dict()


class Order(Open):
    id = fields.String(required=True)
    status = fields.String()
    amount = fields.Integer()
    total_amount = fields.Integer()
    items = fields.List(fields.Dict())


class Voucher(Open):
    id = fields.String(required=True)
    code = fields.String(required=True)
    type = fields.String()
    discount = fields.Dict(allow_none=True)


class Redemption(Open):
    id = fields.String(required=True)
    date = fields.AwareDateTime(required=True)
    status = fields.String()
    result = fields.String()


class Data(Open):
    customer = fields.Nested(Customer, required=True)
    order = fields.Nested(Order, allow_none=True)
    voucher = fields.Nested(Voucher, allow_none=True)
    redemption = fields.Nested(Redemption, required=True)
    campaign = fields.Dict(allow_none=True)


class Webhook(Open):
    id = fields.String(required=True)
    type = fields.String(required=True)
    data = fields.Nested(Data, required=True)


NAMES = {"redemption.succeeded": "Customer Redemption Succeeded", "redemption.failed": "Customer Redemption Failed"}
SECRET = os.environ["VOUCHERIFY_WEBHOOK_SECRET"].encode()
WEBHOOK = Webhook()
app = Flask(__name__)


@cache
def analytics() -> Client:
    """The SDK's client, made in the process that uses it: its thread does not survive gunicorn's fork."""
    return Client(os.environ["SEGMENT_WRITE_KEY"], host=os.environ["SEGMENT_HOST"], max_queue_size=10_000_000)


@app.post("/webhooks/voucherify")
def receive() -> tuple[dict[str, Any], int]:
    signature = hmac.new(SECRET, request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("X-Voucherify-Signature", "")):
        return {"error": "signature"}, 401
    try:
        webhook: dict[str, Any] = WEBHOOK.load(request.get_json())
    except ValidationError as error:
        return {"error": error.messages}, 400
    data = webhook["data"]
    redemption = {**data["redemption"], "date": data["redemption"]["date"].isoformat()}
    analytics().track(
        user_id=data["customer"]["source_id"],
        event=NAMES[webhook["type"]],
        properties={**data, "redemption": redemption, "email": data["customer"].get("email")},
        timestamp=data["redemption"]["date"],
    )
    return {"status": "accepted", "id": webhook["id"]}, 202
