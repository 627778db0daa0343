"""New data and new rights count at once, on a small app: no page and no file mixes before and after, or mine and yours."""

from __future__ import annotations

import base64
import re
from decimal import Decimal

import pytest
from tests.acceptance.conftest import Bazaar
from tests.acceptance.data_api import DataApi, rows_of
from tests.acceptance.visitors import fragment_of, served, watermark_of
from tests.waiting import until

STALLS = "stall,region,lot\n1,East,71\n2,West,72\n"
WAGES = "person,paid\n1,1000.50\n2,2000.25\n"
HEAD = "sold_on,sale,item,amount,customer,stall\n"
SALES = HEAD + "2026-01-05,1,Carpet,100,990001,1\n2026-01-06,2,Lamp,20,990002,2\n2026-01-07,3,Carpet,50,990003,1\n"
CUSTOMERS = ("990001", "990002", "990003")


@pytest.fixture(scope="module")
def market(bazaar: Bazaar) -> Bazaar:
    """The bazaar with three sales."""
    served(bazaar, "bazaar", bazaar.publish(stalls=STALLS, sales=SALES, wages=WAGES))
    return bazaar


@pytest.fixture
def viewer(market: Bazaar):
    """A viewer of the east."""
    with DataApi(market, "bazaar", "viewer", regions="East") as made:
        yield made


def takings(html: str) -> Decimal:
    """The big number."""
    found = re.search(r'<data value="([^"]*)"', fragment_of(html, "takings"))
    assert found, html
    return Decimal(found[1])


def test_a_new_generation_counts_at_once(market: Bazaar) -> None:
    """Published three times while pages are looked at: each shows the number of the generation it names, never another."""
    expected, shown = {}, set()
    with DataApi(market, "bazaar") as api:
        for amount in range(1, 4):
            generation = market.publish(sales=f"{HEAD}2026-01-05,1,Carpet,{amount}000,990001,1\n")
            expected[generation] = Decimal(amount * 1000)

            def moved_on(generation: str = generation) -> bool:
                page = api.page("overview")
                if watermark_of(page) in expected:
                    assert takings(page) == expected[watermark_of(page)]
                    shown.add(watermark_of(page))
                return watermark_of(page) == generation

            until(moved_on)
            until(lambda amount=amount: [row["revenue"] for row in api.rows("takings")] == [amount * 1000])
    assert shown == expected.keys()
    served(market, "bazaar", market.publish(sales=SALES))


@pytest.mark.parametrize("format", ["json", "csv", "arrow", "parquet"])
def test_a_masked_field_is_empty_everywhere(viewer: DataApi, format: str) -> None:
    """Not a digit of it in rows, groups, or the order of groups."""
    sold = viewer.panel("sold", format=format)
    assert {row["customer"] for row in rows_of(format, sold.content)} <= {None, ""}
    grouped = viewer.panel("customers", format=format)
    assert [str(row["customer"] or "") for row in rows_of(format, grouped.content)] == [""]
    if format in ("json", "csv"):
        assert not any(customer in sold.text + grouped.text for customer in CUSTOMERS)


def test_a_masked_field_cannot_be_filtered_by(market: Bazaar, viewer: DataApi) -> None:
    """Neither right nor wrong guesses show rows, and no page offers or repeats them as choices."""
    for guess in (*CUSTOMERS, "990009"):
        assert viewer.rows("sold", customer=guess) == []
    for page in ("sales", "overview"):
        html = viewer.page(page)
        assert not any(customer in html for customer in CUSTOMERS)
    with DataApi(market, "bazaar") as approver:
        assert [row["sale"] for row in approver.rows("sold", customer=CUSTOMERS[1])] == [2]
        assert all(customer in approver.page("sales") for customer in CUSTOMERS)


def test_a_masked_value_is_in_no_cursor(viewer: DataApi) -> None:
    """A cursor can be read by whoever holds it; it holds what they were shown."""
    cursor = viewer.answer("sold", limit=1)["next"]
    payload = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[32:]
    assert payload == b"\x91\x01"


def test_what_may_not_be_seen_is_worded_like_what_never_was(viewer: DataApi) -> None:
    """A panel over wages and a panel that does not exist: the same answer, and no trace of it on the page."""

    def told(name: str) -> tuple:
        answer = viewer.panel(name)
        headers = {key: value for key, value in answer.headers.items() if key not in ("date", "content-length")}
        return answer.status_code, headers, answer.text.replace(name, "NAME")

    assert told("wages") == told("wagon")
    assert told("wages")[0] == 404
    assert "wages" not in viewer.page("overview", wages="1").lower()
    fragments = viewer.get("/bazaar/api/pages/overview/fragments", params={"panels": "wages,takings"}).text
    assert re.findall(r'<template for="(wages|takings)"', fragments) == ["takings"]
    assert "wages" not in fragments.lower()


def test_a_role_taken_away_counts_at_once(market: Bazaar) -> None:
    """The same person with the next token: wages are gone, rows of the west too, customers are hidden; and back again."""
    for _ in range(2):
        with DataApi(market, "bazaar", "approver", "mia") as api:
            assert "Wages" in api.page("overview")
            assert [row["customer"] for row in api.rows("sold")] == [990001, 990002, 990003]
        with DataApi(market, "bazaar", "viewer", "mia", regions="West") as api:
            assert "Wages" not in api.page("overview")
            assert [(row["sale"], row["customer"]) for row in api.rows("sold")] == [(2, None)]
            assert takings(api.page("overview")) == 20
