"""The directions: where messages go, a row each. Nothing else in the code knows how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass

TO_SEGMENT, TO_VOUCHERIFY = "to_segment", "to_voucherify"

FREE_KEYS = frozenset(("properties",))
"""Keys of messages below which senders choose names freely, unless a direction declares others."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction.

    Attributes:
        key: its name in the database, in metrics, in ``--direction``, and its field in ``Settings``.
        label: its name for people.
        sink: the name of the sink that it ends at, as in ``Outgoing.sink``.
        service: the service that the sink sends to.
        needed: the settings that it cannot do without, and what each of them is. It is on when all of them are set.
        only_with: other settings that have no effect, and so are a mistake, while it is off.
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
"""By key."""


def ending_at(sink: str) -> Direction | None:
    """Return the direction that ends at a sink; None if the sink is in no row."""
    return next((row for row in DIRECTIONS.values() if row.sink == sink), None)


def key_of_sink(sink: str) -> str:
    """Return the key that a sink's deliveries are counted under. A sink that is in no row is counted by its name."""
    row = ending_at(sink)
    return row.key if row else sink
