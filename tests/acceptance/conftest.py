"""One instance for all acceptance tests, started as a user does, and browsers that are signed in to it.

Tests here are synchronous: Playwright's loop occupies the thread of the module that uses a browser.
`SEAWALL_TEST_DATA=1` keeps prepared data under `.seawall/test-data/`, by the app's digest, for the next run.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from tests.ports import free_port

from seawall.app.load import load_bundle
from seawall.core.principal import Attribute, Principal
from seawall.trust import keys
from seawall.trust.tokens import Tokens

ROOT = Path(__file__).parents[2]
APP = ROOT / "apps" / "merchandising"
BAZAAR = Path(__file__).parent / "bazaar"
COMMAND = (sys.executable, "-m", "seawall.cli.main")
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S_MAX = 240
TOKEN_TTL_S = 3600


class Seawall:
    """A running instance."""

    def __init__(self, data: Path, ready: dict) -> None:
        self.data = data
        self.url: str = ready["url"]
        self.port: int = ready["port"]
        self.sign_in_url: str = ready["sign_in_url"]
        """Works once; the test that uses it is the one about it."""

    def token(self, role: str = "approver", user: str = "tester", **attributes: Attribute) -> str:
        """What `seawall token` mints, without the process."""
        principal = Principal(user=user, roles=(role,), attributes=attributes)
        return Tokens(keys.load(self.data / "keys")).mint(principal, TOKEN_TTL_S)

    def headers(self, role: str = "approver", user: str = "tester", **attributes: Attribute) -> dict[str, str]:
        """An Authorization header, for API calls."""
        return {"Authorization": f"Bearer {self.token(role, user, **attributes)}"}

    def status(self) -> dict:
        """What `seawall status --json` prints."""
        done = subprocess.run((*COMMAND, "status", "--data", str(self.data), "--json"), capture_output=True, text=True, check=False)
        return json.loads(done.stdout)

    def pids(self) -> dict[str, int]:
        """`ui-read-0` → pid, and so on."""
        return {f"{service['name']}-{service['replica']}": service["pid"] for service in self.status()["services"]}


class Bazaar(Seawall):
    """A running instance of a small app, whose data tests publish."""

    def publish(self, **tables: str | Path) -> str:
        """`seawall publish` of CSV texts or of files, by table; the new generation's id."""
        with tempfile.TemporaryDirectory() as folder:
            named = {name: table if isinstance(table, Path) else Path(folder) / f"{name}.csv" for name, table in tables.items()}
            for name, path in named.items():
                if not path.exists():
                    path.write_text(tables[name], "utf-8")
            options = [option for name, path in named.items() for option in ("--table", f"{name}={path}")]
            argv = (*COMMAND, "publish", str(BAZAAR), *options, "--data", str(self.data), "--json")
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["id"]


@pytest.fixture(scope="session")
def bazaar() -> Iterator[Bazaar]:
    """An instance of `tests/acceptance/bazaar` without data; each module publishes what it needs."""
    with tempfile.TemporaryDirectory(prefix="sw-bz-", dir="/tmp") as folder:
        data = Path(folder) / "data"
        try:
            yield Bazaar(data, up(data, BAZAAR))
        finally:
            subprocess.run((*COMMAND, "down", "--data", str(data)), check=True, capture_output=True)


@pytest.fixture(scope="session")
def seawall() -> Iterator[Seawall]:
    """`seawall up --detach --json`, ready, with demo data; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="sw-up-", dir="/tmp") as folder:
        data = Path(folder) / "data"
        kept = _kept_data()
        if kept and kept.exists():
            _copy(kept, data / "warehouse")
        try:
            yield Seawall(data, up(data, APP))
        finally:
            subprocess.run((*COMMAND, "down", "--data", str(data)), check=True, capture_output=True)
            if kept and not kept.exists():
                _copy(data / "warehouse", kept)


def up(data: Path, app: Path, *options: str) -> dict:
    """`seawall up --detach`; what it prints."""
    argv = (*COMMAND, "up", str(app), "--detach", "--json", "--port", str(free_port()), "--data", str(data), *options)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=START_S_MAX, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def provided(models: str, *how_down: str) -> Iterator[Seawall]:
    """A running instance of the bazaar whose models are at a simulated provider; `{socket}` in `models` is where."""
    with tempfile.TemporaryDirectory(prefix="sw-mo-", dir="/tmp") as folder:
        at = Path(folder)
        provider = subprocess.Popen((*COMMAND, "lab", "provider", "--socket", str(at / "sim.sock")), stdout=subprocess.DEVNULL)
        (at / "models.yaml").write_text(models.format(socket=at / "sim.sock"))
        try:
            yield Seawall(at / "data", up(at / "data", BAZAAR, "--models", str(at / "models.yaml")))
        finally:
            subprocess.run((*COMMAND, "down", *how_down, "--data", str(at / "data")), check=False, capture_output=True)
            provider.terminate()
            provider.wait(60)


def _kept_data() -> Path | None:
    if not os.environ.get("SEAWALL_TEST_DATA"):
        return None
    return ROOT / ".seawall" / "test-data" / load_bundle(APP).digest[:16]


def _copy(source: Path, target: Path) -> None:
    """A whole copy or none: the name appears in one step."""
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    draft.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, draft)
    try:
        draft.rename(target)
    except OSError:  # another run was first
        shutil.rmtree(draft)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver, for one module, so that tests of other modules may use event loops."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def launch(playwright: Playwright) -> Iterator[Callable[..., Browser]]:
    """`launch(*flags)`: headless Chromium with further flags; the same flags give the same browser."""
    browsers: dict[tuple[str, ...], Browser] = {}

    def launched(*flags: str) -> Browser:
        if flags not in browsers:
            browsers[flags] = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_FLAGS, *flags])
        return browsers[flags]

    yield launched
    for browser in browsers.values():
        browser.close()


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Browser:
    """Headless Chromium."""
    return launch()


@pytest.fixture
def new_page(seawall: Seawall, launch: Callable[..., Browser]) -> Iterator[Callable[..., Page]]:
    """`new_page(flags=[…], role=…, attributes={…}, **context options)`: a page of a fresh, signed-in context."""
    contexts: list[BrowserContext] = []

    def made(
        flags: tuple[str, ...] | list[str] = (),
        *,
        role: str = "approver",
        attributes: dict[str, Attribute] | None = None,
        **options: object,
    ) -> Page:
        context = launch(*flags).new_context(**options)
        context.add_cookies([{"name": "seawall_token", "value": seawall.token(role, **(attributes or {})), "url": seawall.url}])
        contexts.append(context)
        return context.new_page()

    yield made
    for context in contexts:
        context.close()


@pytest.fixture
def signed_in_page(new_page: Callable[..., Page]) -> Page:
    """A page of a browser whose user may see everything."""
    return new_page()
