"""Similar products as people find them: by words, by a product, page after page; and with the vector store away."""

from __future__ import annotations

import json
import os
import re
import subprocess

import httpx
import pytest
from tests.acceptance.conftest import COMMAND
from tests.acceptance.visitors import killed
from tests.waiting import until

from seawall.cli import supervisor_hold
from seawall.cli.instance import locate

INDEX_SECONDS_MAX = 600
PAGE = "/merchandising/products"
SHOWN = "() => document.querySelector('section.panel tbody tr') && !document.querySelector('section.panel[aria-busy=true], .skeleton')"
MILK = "FLUID MILK WHITE ONLY"


def got(seawall, query):
    """What the data API says of the panel."""
    return httpx.get(f"{seawall.url}/merchandising/api/panels/similar?{query}", headers=seawall.headers(), timeout=30)


def ask(seawall, query):
    """The panel by the data API, asked again while it comes too late."""
    return until(lambda: answer if (answer := got(seawall, query)).status_code < 500 else None).json()


def alike(seawall, query):
    """The same, found by likeness."""
    return until(lambda: found if (found := ask(seawall, query))["degraded"] is None else None)


@pytest.fixture(scope="module")
def indexed(seawall):
    """The instance, once its index serves."""
    until(lambda: got(seawall, "product=1005186").json().get("degraded", "") is None, INDEX_SECONDS_MAX, every=0.25)
    return seawall


@pytest.fixture
def away(indexed):
    """The vector store killed, and let lie for the test."""
    instance = locate(indexed.data, os.environ)
    supervisor_hold.take(instance, "vectors-0", "a test", 120.0)
    killed(indexed, "vectors-0")
    until(lambda: indexed.pids().get("vectors-0", 0) == 0)
    yield indexed
    supervisor_hold.let_go(instance, "vectors-0")
    until(lambda: indexed.status()["ready"])


def found_by_likeness(page):
    """Whether the rows are; those that came too late for the store are asked for again."""
    page.wait_for_selector("section.panel :is(tbody tr, [data-retry])")
    if page.locator("section.panel :is([data-degraded], [data-retry])").count() == 0:
        return True
    page.reload()
    return False


def rows(page):
    return page.locator("section.panel tbody tr")


def test_words_then_a_product_then_its_next_page(indexed, new_page):
    """Typing finds products, choosing one finds those like it, the next page goes on without repeating any."""
    page = new_page(viewport={"width": 1280, "height": 900})
    page.goto(indexed.url + PAGE)
    page.wait_for_function(SHOWN)
    page.wait_for_selector("html.scripted")
    page.get_by_label("Words").fill("white milk")
    page.wait_for_function("() => location.search.includes('words=')")
    page.wait_for_function(f"() => document.querySelector('section.panel tbody')?.innerText.includes('{MILK}')")
    chosen = rows(page).filter(has_text=MILK).first.locator("a.rl")
    number = chosen.inner_text()
    chosen.click()
    page.wait_for_function(f"() => location.search === '?product={number}'")
    page.wait_for_function(SHOWN)
    until(lambda: found_by_likeness(page))
    page.wait_for_function("() => document.querySelector('section.panel tbody td:nth-of-type(2)')?.innerText === '100%'")
    assert rows(page).first.locator("a.rl").inner_text() == number
    assert page.get_by_label("Similar to product no.").input_value() == number
    page.locator("a.rl").nth(50).wait_for()
    first = page.locator("a.rl").all_inner_texts()
    assert len(first) == len(set(first)) == 51
    page.get_by_role("link", name="Next page").click()
    page.wait_for_function(f"() => document.querySelector('section.panel tbody')?.innerText.includes('{number}') === false")
    page.locator("a.rl").nth(49).wait_for()
    assert not set(first) & set(page.locator("a.rl").all_inner_texts())


def test_without_script_a_link_leads_to_similar_products(indexed, new_page):
    """The same page whole, in German."""
    page = new_page(java_script_enabled=False, locale="de-DE")
    page.goto(f"{indexed.url}{PAGE}?product=1005186&inorder=1")
    until(lambda: found_by_likeness(page))
    assert page.locator("thead th").all_inner_texts()[:2] == ["Artikelnr.", "Ähnlichkeit"]
    assert "".join(rows(page).first.locator("td").nth(1).inner_text().split()) == "100%"
    page.locator("a.rl").nth(3).click()
    assert "product=" in page.url


def test_likeness_falls_over_pages_and_no_product_comes_twice(indexed):
    """By the data API, over ten pages; the file holds the same order."""
    found, cursor = [], ""
    for _ in range(10):
        answer = alike(indexed, f"product=1005186&limit=100{cursor}")
        found += answer["rows"]
        cursor = f"&after={answer['next']}"
    likeness = [row["similarity"] for row in found]
    assert likeness == sorted(likeness, reverse=True)
    assert len({row["number"] for row in found}) == len(found) == 1001
    file = until(lambda: answer if (answer := got(indexed, "product=1005186&limit=100&format=csv")).status_code < 500 else None)
    lines = file.text.splitlines()
    assert [int(line.split(",")[0].strip('"')) for line in lines[1:]] == [row["number"] for row in found[:101]]


def test_other_filters_narrow_what_is_similar(indexed):
    """Whole pages of them."""
    answer = alike(indexed, "product=1005186&department=GROCERY&limit=50")
    assert {row["department"] for row in answer["rows"]} == {"GROCERY"}
    assert len(answer["rows"]) == 50


def test_a_product_that_is_not_there(indexed, new_page):
    """A sentence on the page, a 404 in the data API."""
    page = new_page()
    page.goto(f"{indexed.url}{PAGE}?product=1")
    page.wait_for_selector(".failed")
    assert until(lambda: status if (status := got(indexed, "product=1").status_code) < 500 else None) == 404


def _is_as_usual(page) -> bool:
    """Loaded again: each replica finds the store by itself."""
    page.reload()
    page.wait_for_selector("section.panel tbody tr")
    return page.locator("[data-degraded]").count() == 0


def test_with_the_store_away_the_panel_says_so_and_recovers(away, new_page):
    """Found by words, on the page and by the data API; what was seen before is shown with its age; then as usual without a restart."""
    page = new_page()
    page.goto(f"{away.url}{PAGE}?product=25671")
    page.wait_for_selector("[data-degraded=words]")
    assert "Found by words" in page.locator("[data-degraded=words]").inner_text()
    assert rows(page).first.locator("a.rl").inner_text() == "25671"
    assert ask(away, "product=26190")["degraded"] == "words"
    before = away.pids()
    supervisor_hold.let_go(locate(away.data, os.environ), "vectors-0")
    until(lambda: ask(away, "product=26355")["degraded"] is None)
    until(lambda: _is_as_usual(page))
    after = away.pids()
    assert {label: pid for label, pid in after.items() if label != "vectors-0"} == {
        label: pid for label, pid in before.items() if label != "vectors-0"
    }


def test_a_short_drill_passes(indexed):
    """Twenty seconds of page views with the store taken away in between: exit status 0 and a report."""
    argv = (*COMMAND, "drill", "vector-store", "--for", "20s", "--rate", "8", "--seed", "4", "--data", str(indexed.data), "--json")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=200, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["failed"], report["unanswered"], report["silent"]) == (0, 0, 0, 0), report
    assert report["by_words"] > 0
    until(lambda: indexed.status()["ready"])


def test_what_cannot_be_drilled(tmp_path):
    """No instance is status 3; nonsense is status 2."""
    for options, status in (([], 3), (["--for", "soon"], 2)):
        argv = (*COMMAND, "drill", "vector-store", *options, "--data", str(tmp_path))
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert re.match(r"seawall: ", done.stderr)
