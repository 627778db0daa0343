"""Pages lead somewhere: every link between files of the checkout, and every heading one points at, is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[tuple[str, str]]:
    """File and heading of each link that stays in the checkout."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _CODE.sub("", page.read_text())):
        if "://" not in target and not target.startswith("mailto:"):
            file, _, heading = target.partition("#")
            yield file, heading


def anchors(page: Path) -> set[str]:
    """What headings are called in addresses: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """To a file or folder that is there, and a heading in it."""
    for file, heading in links(page):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{page.name} leads to {file}, which is not there"
        assert not heading or heading in anchors(target), f"{page.name} leads to {file}#{heading}, which is not there"


def test_the_index_leads_to_every_page() -> None:
    """Nothing in docs/ can only be found by looking into the folder."""
    index = ROOT / "docs" / "README.md"
    reached = {(index.parent / file).resolve() for file, _ in links(index)}
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - reached == {index}
