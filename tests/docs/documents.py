"""The documents of the checkout: their text, commands, tables, links and sentences."""

import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted((CHECKOUT / "docs").glob("*.md"))
DOCUMENTS = [*sorted(CHECKOUT.glob("*.md")), *PAGES]

README = (CHECKOUT / "README.md").read_text()

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def name(path: Path) -> str:
    """Return the path of a document within the checkout."""
    return str(path.relative_to(CHECKOUT))


def page(stem: str) -> str:
    """Return the text of a page of ``docs``."""
    return (CHECKOUT / "docs" / f"{stem}.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [content for kind, content in _FENCE.findall(text) if kind == language]


def prose(text: str) -> str:
    """Return the text without its fenced blocks."""
    return _FENCE.sub("", text)


def commands(text: str) -> list[str]:
    """Return the commands of the ``sh`` blocks, without comments."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    return [command for line in lines if (command := line.split(" #")[0].strip())]


def table(text: str, head: str) -> list[list[str]]:
    """Return the cells of the table whose first line begins with ``head``."""
    lines = text.partition(f"\n{head}")[2].partition("\n\n")[0].splitlines()
    assert lines, head
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def code(cell: str) -> list[str]:
    """Return what is written as code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """Return the targets of links and pictures within the checkout."""
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(text))


def sentences(text: str) -> Iterator[str]:
    """Return the sentences of paragraphs, lists and cells; of cells without what is written as code."""
    for part in re.split(r"\n\s*\n|\n(?=\s*(?:[-#|]|\d+\.) )", prose(text)):
        for cell in re.sub("`[^`]+`", "", part).split("|") if part.startswith("|") else [part]:
            yield from re.split(r"(?<=[.!?:;])\s+", " ".join(cell.split()))
