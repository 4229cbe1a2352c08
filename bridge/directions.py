"""Directions of messages, one row each.

No other code depends on their number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TO_SEGMENT, TO_VOUCHERIFY = "to_segment", "to_voucherify"

FREE_KEYS = frozenset(("properties",))
"""Keys of messages below which senders choose names freely, by default."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction.

    Attributes:
        key: its name in the database, in metrics, in ``--direction``, and its field in ``Settings``.
        label: its name for people.
        sink: name of its sink, as in ``Outgoing.sink``.
        service: name of the sink's service.
        needed: its required settings, with a description. It is on when all of them are set.
        only_with: settings that are a mistake while it is off, since they have no effect.
        sender_check: what to check when the bridge refuses its senders' credentials.
        keys_check: what to check when the service refuses the bridge's credentials.
        free_keys: keys of its messages below which the sender chooses names: the console masks all values there.
    """

    key: str
    label: str
    sink: str
    service: str
    needed: Mapping[str, str]
    sender_check: str
    keys_check: str
    only_with: frozenset[str] = frozenset()
    free_keys: frozenset[str] = FREE_KEYS


_ROWS = (
    Direction(
        TO_SEGMENT,
        "Voucherify → Segment",
        sink="segment",
        service="Segment",
        needed={
            "SEGMENT_WRITE_KEY": "the write key of the Segment source that receives the events",
            "VOUCHERIFY_WEBHOOK_SECRET": "the webhook secret of the Voucherify project",
        },
        sender_check="is VOUCHERIFY_WEBHOOK_SECRET the project's webhook secret?",
        keys_check="SEGMENT_WRITE_KEY",
        free_keys=frozenset(),
    ),
    Direction(
        TO_VOUCHERIFY,
        "Segment → Voucherify",
        sink="voucherify",
        service="Voucherify",
        needed={
            "VOUCHERIFY_APP_ID": "the Application ID of the Voucherify project",
            "VOUCHERIFY_SECRET_KEY": "the Secret Key of the Voucherify project",
        },
        sender_check="are VOUCHERIFY_APP_ID and VOUCHERIFY_SECRET_KEY those that are entered at Segment?",
        keys_check="VOUCHERIFY_APP_ID and VOUCHERIFY_SECRET_KEY",
        only_with=frozenset(("BRIDGE_WRITE_KEYS", "SEGMENT_WEBHOOK_SECRET", "BRIDGE_MAPPINGS")),
    ),
)

DIRECTIONS: Mapping[str, Direction] = {row.key: row for row in _ROWS}
"""Directions by key."""


def ending_at(sink: str) -> Direction | None:
    """Return the direction that ends at a sink; None if the sink is in no row."""
    return next((row for row in DIRECTIONS.values() if row.sink == sink), None)


def key_of_sink(sink: str) -> str:
    """Return the key under which a sink's deliveries are counted.

    A sink without a row is counted under its own name.
    """
    row = ending_at(sink)
    return row.key if row else sink
