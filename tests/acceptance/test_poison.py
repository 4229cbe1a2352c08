"""An event that ends every process that translates it: it is quarantined alone, and the processes go on."""

from collections import Counter
from pathlib import Path

from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import SEVERAL
from tests.translation import poison

PATIENCE = 120.0
"""Seconds: several processes end one after another, and each takes a round over when a lease of 10 s has ended."""


def test_a_poisonous_event_is_quarantined_and_everything_else_goes_on(
    database_url: str, serve: Serve, segment: Receiver, books: Books, tmp_path: Path
) -> None:
    folder = tmp_path / "poison"
    folder.mkdir()
    server = serve(database_url, segment, *SEVERAL, **poison.environment(folder))
    before, after = users(10, "before"), users(10, "after")
    for name in (*before, poison.POISON, *after):
        server.deliver(redeems(name))

    books.wait_until_settled(20, PATIENCE)

    assert set(segment.users()) == {*before, *after}
    assert books.events() == Counter(accepted=20, quarantined=1)
    deaths = (folder / "deaths").read_text().split()
    assert 3 <= len(deaths) <= 5
    # The process that tried it lives, and translates and delivers.
    assert server.status(redeems("later")) == "accepted"
    segment.wait_for([*before, *after, "later"])
    assert (folder / "deaths").read_text().split() == deaths
