"""``bridge resume``: end a pause."""

import click

from bridge.cli.opening import at_desk, opened, who
from bridge.cli.printing import json_option, print_json
from bridge.operations.desk import pausable


@click.command(short_help="Resume a paused service, or the translation.")
@click.argument("name", type=click.Choice(pausable()))
@json_option
def resume(name: str, as_json: bool) -> None:
    """Resume segment, voucherify or translation.

    The pause may be one of bridge pause, or one that the service has caused.
    """
    with opened() as database:
        at_desk(database).pause(name, who(), until=0.0)
    if as_json:
        print_json({"name": name, "state": "running"})
    else:
        click.echo(f"{name} is resumed.")
