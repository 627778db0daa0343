"""The tutorial and the how-to pages, done by the letter: every file written, every command typed, every answer compared.

Ports are replaced by free ones, and the addresses of a reader's own Postgres and Valkey by those of two started here.
Nothing else is. `SEAWALL_PICTURES=docs/images` takes the picture that the tutorial shows.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.doc_blocks import Shell, sections
from tests.engines import PostgresServer, ValkeyServer
from tests.ports import free_port
from tests.waiting import until

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = sections((DOCS / "tutorial.md").read_text())
HOW_TO = {path.stem: sections(path.read_text()) for path in sorted((DOCS / "how-to").glob("*.md"))}
START, STOP = "6. Start it", "9. Stop it"
OWN_STORES = "run-with-your-own-stores"
LANDED = "() => document.querySelectorAll('section.panel').length && !document.querySelector('section.panel .skeleton')"


class Reader:
    """Somebody who follows the pages, in an empty folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.replaced = {port: str(free_port()) for port in ("8420", "8421", "8422")}
        self.shell = self.shell_for()

    def shell_for(self, replaced: Mapping[str, str] | None = None) -> Shell:
        """A new shell in the folder."""
        commands = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return Shell(self.folder, {"PATH": commands}, self.replaced | dict(replaced or {}))

    def close(self) -> None:
        """Whatever was started and not stopped is stopped."""
        self.shell.close()
        for lock in self.folder.rglob("instance.lock"):
            argv = (sys.executable, "-m", "seawall.cli.main", "down", "--data", str(lock.parent))
            subprocess.run(argv, check=True, capture_output=True)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    if not shutil.which("curl"):
        pytest.skip("the pages ask with curl, which is not here")
    with tempfile.TemporaryDirectory(prefix="sw-docs-", dir="/tmp") as folder:
        made = Reader(Path(folder))
        yield made
        made.close()


@pytest.fixture
def stores() -> Iterator[dict[str, str]]:
    """Another Postgres and Valkey, under the addresses a page gives them."""
    with closing(PostgresServer()) as postgres, closing(ValkeyServer()) as valkey:
        postgres.start()
        valkey.start()
        yield {
            "postgresql://seawall:secret@db.example/seawall": postgres.fresh_database("seawall"),
            "valkey://seawall:secret@cache.example:6379/0": valkey.url,
            "8443": str(free_port()),
        }


@pytest.mark.parametrize("section", [section for section in TUTORIAL if section != STOP])
def test_the_tutorial(reader: Reader, browser: Browser, section: str) -> None:
    """Each section does what it says, after those before it."""
    if reader.shell.broken:
        pytest.skip("a section before this one failed")
    reader.shell.play(TUTORIAL[section])
    if section == START:
        look_at_the_page(reader, browser)


def in_time(page: Page) -> bool:
    """Whether every panel is there; those that came too late for a busy machine are asked for again."""
    page.wait_for_function(LANDED)
    if page.locator("[data-retry]").count() == 0:
        return True
    page.reload()
    return False


def look_at_the_page(reader: Reader, browser: Browser) -> None:
    """The link that `seawall up` printed leads to the page, with every panel on it."""
    link = re.findall(r"http\S+/auth/link/\S+", reader.shell.printed)[-1]
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(link)
    until(lambda: in_time(page))
    assert page.url.endswith("/bikes/hires")
    assert page.locator("#panel-by_station").inner_text().startswith("University carries")
    if pictures := os.environ.get("SEAWALL_PICTURES"):
        page.screenshot(path=Path(pictures) / "tutorial.png")
    page.context.close()


@pytest.mark.parametrize("name", HOW_TO)
def test_how_to(reader: Reader, request: pytest.FixtureRequest, name: str) -> None:
    """Each page does what it says, after the tutorial and without the others."""
    if reader.shell.broken:
        pytest.skip("the tutorial failed")
    replaced = request.getfixturevalue("stores") if name == OWN_STORES else {}
    with closing(reader.shell_for(replaced)) as shell:
        for blocks in HOW_TO[name].values():
            shell.play(blocks)


def test_zz_the_tutorials_end(reader: Reader) -> None:
    """What the last section stops is stopped."""
    if reader.shell.broken:
        pytest.skip("the tutorial failed")
    reader.shell.play(TUTORIAL[STOP])
    status, printed = reader.shell.run("seawall status")
    assert (status, "is running" in printed) == (3, True)
