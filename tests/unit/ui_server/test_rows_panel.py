"""Row panels: parts while rows arrive, the same fragment afterwards."""

import asyncio
import re

import pytest
from tests.unit.ui_server.sample import House

from seawall.core.errors import DeadlineExceeded, Unavailable


def without_state(html: str) -> str:
    return re.sub(r"<time class=\"age.*?</time>", "", html)


async def test_rows_are_sent_as_batches_arrive(house: House) -> None:
    """The table first, then rows into the marker that each batch brings along, then the line under it."""
    house.engine.on_batch = lambda _: asyncio.sleep(0.1)
    async with house.client() as client:
        html = (await client.get("/shop/listing")).text
    assert re.findall(r'<template for="([\w-]+)">', html) == ["filter-bar", "rows", "rows-more", "rows-more", "rows-end"]
    assert html.count('<?marker name="rows-more">') == 3
    assert html.count("<tr><td") == 3


async def test_in_order_the_table_is_whole_and_unmarked(house: House) -> None:
    """Parts joined in place are the fragment that is cached."""
    async with house.client() as client:
        streamed = (await client.get("/shop/listing?inorder=1")).text
        cached = (await client.get("/shop/listing?inorder=1")).text
    assert "<?marker" not in streamed
    assert without_state(streamed).replace("<!--state-->", "") == without_state(cached)


async def test_a_second_visitor_gets_the_whole_fragment(house: House) -> None:
    """Whoever joins while rows are fetched waits for one template; the engine is asked once."""
    gate = asyncio.Event()

    async def wait(start: int) -> None:
        if start:
            await gate.wait()

    house.engine.on_batch = wait
    async with house.client() as one, house.client() as two:
        first = asyncio.create_task(one.get("/shop/listing"))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(two.get("/shop/listing"))
        await asyncio.sleep(0.05)
        gate.set()
        pages = await asyncio.gather(first, second)
    assert [page.text.count("<template") for page in pages] == [5, 1]
    assert house.engine.calls.count("id") == 1


async def test_rows_that_break_off_say_so(house: House) -> None:
    """What arrived stays; the end says what is wrong."""

    async def fail(start: int) -> None:
        if start:
            raise Unavailable

    house.engine.on_batch = fail
    async with house.client() as client:
        html = (await client.get("/shop/listing")).text
    assert html.count("<tr><td") == 2
    assert 'data-retry="rows"' in html.partition('<template for="rows-end">')[2]


async def test_the_cursor_leads_on_and_belongs_to_its_question(house: House) -> None:
    """The next page's address carries a sealed position; altered, it shows the first page."""
    async with house.client() as client:
        html = (await client.get("/shop/listing")).text
        found = re.search(r'href="\?(rows\.after=[^"]+)" rel="next"', html)
        assert found
        await client.get(f"/shop/listing?{found[1]}")
        assert any(2 in values for values in house.engine.parameters)
        asked = len(house.engine.parameters)
        altered = await client.get(f"/shop/listing?{found[1][:-4]}AAAA")
    assert altered.status_code == 200
    assert not any(2 in values for values in house.engine.parameters[asked:])


async def test_a_count_that_takes_long_is_left_out(house: House) -> None:
    """Rows do not wait for their total."""
    house.engine.faults = {"count": DeadlineExceeded()}
    async with house.client() as client:
        html = (await client.get("/shop/listing")).text
        house.engine.faults = {}
        counted = (await client.get("/shop/listing?department=GROCERY")).text
    assert html.count("<tr><td") == counted.count("<tr><td") == 3
    assert [bool(re.search(r"\d of \d+ rows", text)) for text in (html, counted)] == [False, True]


async def test_no_rows_show_the_way_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty answer is drawn on purpose."""
    monkeypatch.setattr(house.engine, "batches", 0)
    async with house.client() as client:
        html = (await client.get("/shop/listing?department=NOTHING")).text
    assert 'class="empty' in html
