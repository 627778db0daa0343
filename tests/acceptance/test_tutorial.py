"""The tutorial and the how-to pages, done by the letter: every file written, every command typed, every answer compared.

The page's port is replaced by a free one; nothing else is.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.doc_blocks import Shell, sections

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = sections((DOCS / "tutorial.md").read_text())
HOW_TO = {path.stem: sections(path.read_text()) for path in sorted((DOCS / "how-to").glob("*.md"))}
START, STOP = "6. Start it", "9. Stop it"
LANDED = "document.querySelectorAll('section.panel').length && !document.querySelector('section.panel .skeleton')"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """A reader's shell in an empty folder; whatever it started and did not stop is stopped at the end."""
    if not shutil.which("curl"):
        pytest.skip("the pages ask with curl, which is not here")
    with tempfile.TemporaryDirectory(prefix="sw-docs-", dir="/tmp") as folder:
        commands = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        made = Shell(Path(folder), {"PATH": commands}, {"8420": str(_free_port())})
        yield made
        made.close()
        for data in Path(folder).rglob("instance.lock"):
            argv = (sys.executable, "-m", "seawall.cli.main", "down", "--data", str(data.parent))
            subprocess.run(argv, check=True, capture_output=True)


@pytest.mark.parametrize("section", TUTORIAL)
def test_the_tutorial(shell: Shell, section: str) -> None:
    """Each section does what it says, after those before it."""
    if section == STOP:
        pytest.skip("after the how-to pages, which use what runs")
    if shell.broken:
        pytest.skip("a section before this one failed")
    shell.play(TUTORIAL[section])


def test_the_link_opens_the_page(shell: Shell, browser: Browser) -> None:
    """The link that `seawall up` printed leads to the page, with every panel on it."""
    link = re.findall(r"http\S+/auth/link/\S+", shell.printed)[-1]
    page = browser.new_page()
    page.goto(link)
    page.wait_for_function(LANDED)
    assert page.url.endswith("/bikes/hires")
    assert page.locator("#panel-by_station").inner_text().startswith("University carries 25% of revenue")
    assert page.locator("[data-retry]").count() == 0
    page.context.close()
