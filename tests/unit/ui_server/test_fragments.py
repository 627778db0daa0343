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
    assert found == [["sales"], ["sales", "units"], ["sales", "units"]]


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
    assert re.findall(r'<template for="([\w-]+)">', html) == ["units"]
