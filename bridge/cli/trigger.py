"""``bridge trigger``: send a sample to a running bridge."""

from urllib.parse import urlsplit
from uuid import uuid4

import click
import requests

from bridge.cli.printing import json_option, print_json
from bridge.demo.play import post
from bridge.demo.samples import webhook
from bridge.doors import VOUCHERIFY
from bridge.settings import webhook_secrets
from bridge.to_segment.catalogue import EVENTS, Event, find


class EventName(click.ParamType[Event]):
    """One of the 12 events, by Voucherify's type or Segment's name."""

    name = "event"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Event:
        """Return the catalogue's row of an event."""
        row = find(value) or next((event for event in EVENTS if event.name.lower() == value.lower()), None)
        if row is None:
            self.fail(f"{value!r} is none of: {', '.join(event.type for event in EVENTS)}", param, ctx)
        return row


@click.command(short_help="Send a signed sample to a running bridge.")
@click.argument("event", type=EventName())
@click.option("--url", default=f"http://127.0.0.1:8000/{VOUCHERIFY}", show_default=True, help="The webhook URL.")
@json_option
def trigger(event: Event, url: str, as_json: bool) -> None:
    """Send one signed sample of EVENT to a running bridge.

    EVENT is redemption.succeeded, rewarded, publication.failed, … VOUCHERIFY_WEBHOOK_SECRET signs the sample; of
    several secrets, the first. Each sample has new ids.
    """
    if urlsplit(url).path in ("", "/"):
        raise click.UsageError(f"--url {url} has no path: did you mean {url.rstrip('/')}/{VOUCHERIFY}?")
    secrets = webhook_secrets()
    if not secrets:
        raise click.ClickException("VOUCHERIFY_WEBHOOK_SECRET: needed, to sign the sample with")
    try:
        response = post(url, webhook(event, uuid4().hex[:12]), secrets[0])
    except requests.RequestException as error:
        raise click.ClickException(f"{url} does not answer: {type(error).__name__}. Is the bridge running?") from error
    answer = _answer(response)
    if as_json:
        print_json({"status_code": response.status_code, "answer": answer})
    else:
        click.echo(f"{response.status_code} {response.text.strip()}")
    if isinstance(answer, dict) and answer.get("status") == "stored":
        click.echo("No worker has translated it within 10 s: see `bridge status`.", err=True)
    if not response.ok:
        raise SystemExit(1)


def _answer(response: requests.Response) -> object:
    try:
        answer: object = response.json()
    except ValueError:
        return response.text
    return answer
