"""The results as a table of ``docs/security.md``, between two markers."""

import re
from collections.abc import Sequence

from tests.hostile.measuring import Result

BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"
HEAD = "| attack | what the attacker does | rate | p95 | lost | memory |"


def markdown(results: Sequence[Result]) -> str:
    """Return the table."""
    return "\n".join([HEAD, "| --- | --- | --- | --- | --- | --- |", *map(_row, results)])


def _row(result: Result) -> str:
    cells = (
        result.attack.name,
        result.attack.text,
        f"{result.rate_ratio:.0%}".replace("%", " %"),
        f"{result.calm.p95 * 1000:.0f} → {result.attacked.p95 * 1000:.0f} ms",
        str(result.attacked.lost),
        f"{result.memory / 1e6:.0f} MB",
    )
    return f"| {' | '.join(cells)} |"


def replaced(document: str, results: Sequence[Result]) -> str:
    """Return the document with a new table."""
    content = f"{BEGIN}\n{markdown(results)}\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: content, document, flags=re.DOTALL)
