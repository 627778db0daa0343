"""What a page does when its server cannot be reached, or breaks off: it never shows the numbers of one state under the name of another."""

import re

import pytest
from tests.acceptance.conftest import APP
from tests.acceptance.visits import LATE, TRIES, answered, opened, zoomed

from seawall.app.load import load_bundle
from seawall.ui.render.context import RenderContext
from seawall.ui.render.states import skeleton

SALES = re.compile(r'(<section class="panel[^"]*" id="panel-sales"[^>]*>).*?(</section>)', re.DOTALL)
PLAIN = {"accept-encoding": "identity"}
LOST = "them => them.filter(one => one.querySelector('[data-lost]')).map(one => one.dataset.panel)"
TOUCHED = "section.panel[data-filters~=store_group]"


def choose(page, name, value):
    page.locator(f"#f-{name} summary").click()
    page.locator(f"#filters input[name={name}][value={value}]").check()


@pytest.fixture
def without_connection(seawall, new_page):
    """A page whose connection went away before a filter was changed."""
    page = new_page()
    opened(seawall, page, "demand?store_group=West")  # so that what is asked for again later comes in time
    opened(seawall, page)
    page.context.set_offline(True)
    choose(page, "store_group", "West")
    page.wait_for_selector("[data-lost]")
    return page


def test_numbers_of_another_filter_do_not_stay(without_connection):
    """Offline, the panels that the filter touches say so in place of their numbers, finding and downloads; the others stay."""
    page = without_connection
    touched = page.eval_on_selector_all(TOUCHED, "them => them.map(one => one.dataset.panel)")
    assert page.eval_on_selector_all("section.panel", LOST) == touched
    assert page.locator(f"{TOUCHED} :is(svg.chart, .big, table, a[download])").count() == 0
    assert page.locator("#h-sales").inner_text() == "Net sales by week"
    assert page.locator("#d-sales").inner_text().startswith("Dollars the retailer")
    assert page.locator("#status").inner_text() == page.locator("html").get_attribute("data-offline")


def test_one_press_brings_back_all_that_was_lost(seawall, without_connection, new_page):
    """Reached again, the panels show what a fresh page shows, and focus is where it was pressed."""
    page = without_connection
    page.context.set_offline(False)
    page.locator("#panel-sales [data-retry]").click()
    page.wait_for_function("() => !document.querySelector('[data-lost], [aria-busy=true]')")
    assert page.evaluate("() => document.activeElement.id") == "panel-sales"
    fresh = opened(seawall, new_page(), "demand?store_group=West").locator("#h-sales").inner_text()
    page.wait_for_function("fresh => document.getElementById('h-sales').innerText === fresh", arg=fresh)


def test_a_page_that_broke_off_fetches_what_is_missing(seawall, new_page):
    """Panels whose skeletons were all that came are there a second later, and only they are asked for."""
    page = new_page()
    asked = []
    panel = load_bundle(APP).app.pages["demand"].panels["sales"]
    drawn = skeleton(panel, RenderContext("merchandising", "demand", "en", None, {}, 0.0))
    opened(seawall, page)

    def answer(route):
        found = route.fetch(headers={**route.request.headers, **PLAIN})
        without = re.sub(r'<template for="sales">.*?</template>', "", found.text(), flags=re.DOTALL)
        broken = SALES.sub(lambda match: f'{match[1]}<?start name="sales">{drawn}<?end>{match[2]}', without)
        route.fulfill(response=found, body=broken)

    page.on("request", lambda request: asked.append(request.url) if "/fragments?" in request.url else None)
    page.route("**/merchandising/demand", answer)
    page.goto(f"{seawall.url}/merchandising/demand")
    page.wait_for_selector("#panel-sales svg.chart")
    assert [url.partition("panels=")[2] for url in asked] == ["sales"]


def test_rows_that_broke_off_are_not_taken_for_all(seawall, new_page):
    """A table whose end did not come says that it is incomplete rather than looking whole."""
    page = opened(seawall, new_page(), "transactions")
    head = '<h2 id="h-rows">Receipt lines</h2>'
    begun = (
        f'{head}<div class="panel-body is-table"><table><tbody><?marker name="rows-more"></tbody></table><?marker name="rows-end"></div>'
    )
    row = '<tr class="mine"><td>1</td></tr><?marker name="rows-more">'
    body = f'<template for="rows">{begun}</template><template for="rows-more">{row}</template>'
    seen = "new MutationObserver(() => { window.landed ||= !!document.querySelector('tr.mine') })"
    page.evaluate(f"{seen}.observe(document, {{ childList: true, subtree: true }})")
    page.route("**/fragments?*", lambda route: route.fulfill(content_type="text/html", body=body))
    page.fill("#f-amount", "5..20")
    page.wait_for_selector("#panel-rows [data-lost]")
    assert page.evaluate("window.landed")
    assert page.locator("tr.mine").count() == 0


def test_a_session_that_cannot_be_renewed_now_does_not_cost_the_page(seawall, new_page):
    """When nobody can tell who asks, the page stays and says so; it does not leave for an error page."""
    page = opened(seawall, new_page())
    page.route("**/fragments?*", lambda route: route.fulfill(status=401, content_type="application/problem+json", body="{}"))
    page.route("**/auth/refresh*", lambda route: route.fulfill(status=503, content_type="application/problem+json", body="{}"))
    choose(page, "store_group", "West")
    page.wait_for_selector("[data-lost]")
    assert "/merchandising/demand?store_group=West" in page.url


def test_zooming_works_under_filters_that_do_not_touch_the_panel(seawall, new_page):
    """The forecast knows no store groups; its zoom opens all the same. Offline it says why it cannot."""
    page = opened(seawall, new_page(), "demand?store_group=West&lang=de")
    zoom = page.locator("#panel-forecast [data-zoom]")
    zoomed(page, "#panel-forecast")
    zoom.click()
    page.context.set_offline(True)
    zoom.click()
    page.wait_for_selector("#panel-forecast .zoom[role=alert]")


def test_an_answer_over_time_can_be_zoomed(seawall, new_page):
    """Its numbers are those of the question."""
    page = new_page()
    page.goto(f"{seawall.url}/merchandising/ask?metric=net_sales&by=week&last=8")
    answered(page, "[data-zoom]")
    zoomed(page, "section.panel")


def test_a_row_that_cannot_be_had_is_told_to_everybody(seawall, new_page):
    """Pressing a row offline says so on the screen, and the address is the page's again."""
    page = opened(seawall, new_page(), "transactions")
    page.context.set_offline(True)
    page.locator("a.rl").first.click()
    page.wait_for_selector("#status:not(.sr)")
    page.wait_for_function("() => !location.search.includes('rows.row')")
    assert page.locator("#status:not(.sr)").inner_text() == page.locator("html").get_attribute("data-offline")


def test_a_late_filter_bar_is_alive_and_tells_the_state(seawall, new_page):
    """The bar that takes the place of the first one works without a page load, and shows what was chosen meanwhile."""
    page = new_page()
    bare = re.compile(r'<form id="filters".*?</form>', re.DOTALL)
    whole = {}

    def answer(route):
        found = route.fetch(headers={**route.request.headers, **PLAIN})
        whole["bar"] = bare.findall(found.text())[-1]
        route.fulfill(response=found)

    page.route("**/merchandising/demand", answer)
    opened(seawall, page)
    page.evaluate("html => { document.getElementById('filters').outerHTML = html; window.stayed = true }", whole["bar"])
    choose(page, "store_group", "West")
    page.wait_for_function("() => document.getElementById('status').textContent !== ''")
    assert page.evaluate("window.stayed") is True
    assert not page.locator("#filters button.apply").is_visible()


def test_a_page_that_came_whole_is_left_alone(seawall, new_page):
    """Streamed rows leave nothing open behind them: nothing is asked for twice."""
    page = new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/fragments?" in request.url else None)
    for least in range(TRIES):
        asked.clear()
        answer = page.goto(f"{seawall.url}/merchandising/transactions?amount={11 + least}..17")
        page.wait_for_selector("html.scripted")
        page.wait_for_timeout(1500)
        if LATE not in answer.text():
            break
    assert asked == []


def test_a_late_answer_of_an_older_choice_never_wins(seawall, new_page):
    """What was asked for first and came last is not shown under the filters that were chosen since."""
    page = new_page()
    opened(seawall, page, "demand?store_group=East&store_group=West")  # so that none of it will be late
    opened(seawall, page)
    held = []
    page.route("**/fragments?*", lambda route: held.append(route) if not held else route.continue_())
    with page.expect_request("**/fragments?*"):
        choose(page, "store_group", "West")
    page.locator("#filters input[value=East]").check()
    page.wait_for_function("() => document.getElementById('status').textContent !== '' && !document.querySelector('[data-again]')")
    shown = page.locator("#h-sales").inner_text()
    held[0].fulfill(content_type="text/html", body='<template for="sales"><h2 id="h-sales">Of the West alone</h2></template>')
    page.wait_for_timeout(300)
    assert page.locator("#h-sales").inner_text() == shown


def test_a_panel_of_which_not_even_the_head_came_is_told_too(seawall, new_page):
    """A panel that broke on the server has nothing but a sentence; an update that fails replaces it like any other."""
    page = opened(seawall, new_page())
    page.evaluate("() => { document.getElementById('panel-sales').innerHTML = '<p class=failed>Broken</p>' }")
    page.context.set_offline(True)
    choose(page, "store_group", "West")
    page.wait_for_selector("#panel-sales [data-lost]")
    assert page.locator("[aria-busy]").count() == 0
    assert page.eval_on_selector_all("section.panel", LOST) == page.eval_on_selector_all(
        TOUCHED, "them => them.map(one => one.dataset.panel)"
    )
