"""All documents: links lead to a page, lines and sentences are short, words are plain."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import CHECKOUT, DOCUMENTS, PAGES, anchors, links, name, sentences

LONGEST_LINE, LONGEST_SENTENCE = 120, 20

UNCLEAR = re.compile(r"\b(whoever|nobody|somebody|everybody|mend\w*|nothing grows|tells?|told)\b", re.IGNORECASE)
"""Words without a component as their subject, or of another kind of text: see CONTRIBUTING.md."""

OF_THE_AUTHORS = re.compile(r"/work/|/tmp/|/root/|\bissues?\b|\bsandbox|apt-get", re.IGNORECASE)
"""How the authors work is no part of the documentation."""

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=name)


@documents
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for target in links(path.read_text()):
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        assert linked.is_relative_to(CHECKOUT), target
        if anchor:
            assert anchor in anchors(linked.read_text()), target


@documents
def test_no_line_is_too_long(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


@documents
def test_no_document_is_about_its_authors(path: Path) -> None:
    assert OF_THE_AUTHORS.findall(path.read_text()) == []


@pytest.mark.parametrize("path", [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *PAGES], ids=name)
def test_sentences_are_short_and_plain(path: Path) -> None:
    found = list(sentences(path.read_text()))
    long = [one for one in found if len([word for word in one.split() if re.search(r"\w", word)]) > LONGEST_SENTENCE]
    assert long == []
    assert [one for one in found if UNCLEAR.search(one)] == []


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", one) for one in releases[1:])
    parts = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert parts <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


PLACEHOLDERS = {"STEM", "NAME"}


@documents
def test_every_place_in_the_code_is_there(path: Path) -> None:
    named = set(re.findall(r"`((?:bridge|tests|deploy|docs|\.ci)/[\w./-]+)`", path.read_text()))
    missing = {one for one in named if not (CHECKOUT / one).exists() and Path(one).stem not in PLACEHOLDERS}
    assert not missing
