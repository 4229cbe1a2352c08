from tests.docs.documents import page, table
from tests.hostile.attacks import ATTACKS
from tests.hostile.table import BEGIN, END, HEAD


def test_the_document_shows_every_attack() -> None:
    part = page("security").partition(BEGIN)[2].partition(END)[0]
    assert [row[:2] for row in table(part, HEAD)] == [[attack.name, attack.text] for attack in ATTACKS]
