"""A poisonous event: it ends every process that translates it, and those that these processes start."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from bridge.messages import Arrival
from bridge.to_voucherify.raw_events.posted import Posted
from bridge.translation import meaning

POISON = "poison"
CHECKOUT = Path(__file__).parents[2]


def environment(folder: Path) -> Mapping[str, str]:
    """Return variables with which any Python process is poisoned; ``folder/deaths`` has a line a death."""
    program = f"from pathlib import Path\nfrom {__name__} import install\ninstall(Path({str(folder)!r}))\n"
    (folder / "sitecustomize.py").write_text(program)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{CHECKOUT}"}


def install(folder: Path) -> None:
    """Poison this process."""
    genuine = meaning._arrival

    def arrival(source: meaning.Source, raw: Posted | None) -> Arrival:
        value = source.value if raw is None else raw.items[meaning._place(source.event_id)]
        if POISON in str(value):
            with (folder / "deaths").open("a") as file:
                file.write("death\n")
            os.kill(os.getpid(), signal.SIGKILL)
        return genuine(source, raw)

    meaning._arrival = arrival
