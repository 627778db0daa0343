"""The fragments a filter change asks for."""

import re

from tests.unit.ui_server.sample import House


async def test_only_the_panels_asked_for_come(house: House) -> None:
    """In templates, whether they are at hand or not."""
    async with house.client() as client:
        cold = (await client.get("/shop/api/pages/demand/fragments?panels=sales&department=GROCERY")).text
        warm = (await client.get("/shop/api/pages/demand/fragments?panels=sales,units&department=GROCERY")).text
        hot = (await client.get("/shop/api/pages/demand/fragments?panels=sales,units&department=GROCERY")).text
    found = [re.findall(r'<template for="([\w-]+)">', html) for html in (cold, warm, hot)]
    assert found == [["sales", "status"], ["sales", "units", "status"], ["sales", "units", "status"]]


async def test_a_panel_no_filter_touches_is_not_made_again(house: House) -> None:
    """Its cache key does not hold the filter."""
    async with house.client() as client:
        await client.get("/shop/demand")
        calls = house.engine.calls.count("units")
        await client.get("/shop/demand?department=GROCERY")
    assert house.engine.calls.count("units") == calls


async def test_unknown_panels_are_left_out(house: House) -> None:
    """One that may not be seen is as unknown as one that was made up."""
    async with house.client() as client:
        html = (await client.get("/shop/api/pages/demand/fragments?panels=units,secret,zzz")).text
    assert re.findall(r'<template for="([\w-]+)">', html) == ["units", "status"]


async def test_a_value_that_does_not_fit_is_told_before_the_panels(house: House) -> None:
    """Cold and at hand alike, in the reader's language; a good value brings no such template."""
    url = "/shop/api/pages/demand/fragments?panels=sales&lang=de&period="
    async with house.client() as client:
        cold, warm = [(await client.get(url + "sometime")).text for _ in range(2)]
        good = (await client.get(url + "2017-04")).text
    for html in (cold, warm):
        assert re.findall(r'<template for="([\w-]+)">', html) == ["filter-problems", "sales", "status"]
        assert 'role="alert"' in html
        assert '<a href="#f-period">' in html
        assert "Es gibt ein Problem" in html
    assert "filter-problems" not in good


async def test_the_end_says_how_many_panels_are_new(house: House) -> None:
    """Who cannot see the change hears of it, with the right plural."""
    url = "/shop/api/pages/demand/fragments?panels="
    async with house.client() as client:
        one = (await client.get(url + "sales")).text
        two = (await client.get(url + "sales,units&lang=de")).text
    assert one.endswith('<template for="status">Updated: 1 panel</template>')
    assert two.endswith('<template for="status">Aktualisiert: 2 Felder</template>')
