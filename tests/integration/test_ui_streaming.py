"""The streamed page in a real Chromium with script disabled, served by granian: what `ui/fragments.py` says of templates and frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import Page, async_playwright
from tests.ports import free_port
from tests.unit.ui_server.sample import House

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """The house behind a real server on a port of its own."""
    port = free_port()
    server = Server(house.app, port=port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not await listens(port):
            await asyncio.sleep(0.02)
    try:
        yield f"http://localhost:{port}"
    finally:
        server.stop()
        await asyncio.wait({serving}, timeout=30)
        await house.ladder.close()


async def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def visiting(house: House, url: str) -> AsyncIterator[Page]:
    """A signed-in page of a browser that runs no script."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        context = await browser.new_context(java_script_enabled=False, extra_http_headers={"seawall-timeout-ms": "20000"})
        await context.add_cookies([{"name": "seawall_token", "value": house.token(), "url": url}])
        yield await context.new_page()
        await browser.close()


async def test_panels_land_out_of_order_without_script() -> None:
    """The second panel is read while the first is still a skeleton, from zstd frames that arrive one by one."""
    house = House()
    gate = house.engine.gates["sales"] = asyncio.Event()
    async with served(house) as url, visiting(house, url) as page:
        going = asyncio.create_task(page.goto(f"{url}/shop/demand"))
        await page.locator("#panel-units svg.chart").wait_for()
        assert await page.locator("#panel-sales .skeleton").count() == 1
        gate.set()
        answer = await going
        assert answer is not None
        assert answer.headers["content-encoding"] == "zstd"
        assert await page.locator(".skeleton, template").count() == 0
        assert await page.locator("section.panel .panel-body svg.chart").count() == 2


async def test_rows_append_into_nested_markers() -> None:
    """A marker that came inside a template is filled by later ones, batch by batch, and the line under the table comes last."""
    house = House()
    gates = {2: asyncio.Event(), 4: asyncio.Event()}
    house.engine.batches = 3
    house.engine.on_batch = lambda start: gates[start].wait() if start in gates else asyncio.sleep(0)
    async with served(house) as url, visiting(house, url) as page:
        going = asyncio.create_task(page.goto(f"{url}/shop/listing"))
        rows = page.locator("#panel-rows tbody tr")
        await page.get_by_text("D<1>").wait_for()
        assert await rows.count() == 2
        gates[2].set()
        await page.get_by_text("D<2>").wait_for()
        gates[4].set()
        await going
        assert await rows.count() == 3
        assert await page.get_by_text("3 of 5 rows").count() == 1
        assert await page.locator("template").count() == 0


async def test_a_cached_page_is_there_at_once() -> None:
    """Joined frames made at different times decode to one document without templates."""
    house = House()
    async with served(house) as url, visiting(house, url) as page:
        await page.goto(f"{url}/shop/demand")
        answer = await page.goto(f"{url}/shop/demand")
        assert answer is not None
        assert "etag" in answer.headers
        assert "<template" not in await answer.text()
        assert await page.locator("section.panel .panel-body svg.chart").count() == 2
