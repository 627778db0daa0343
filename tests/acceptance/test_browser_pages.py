"""The merchandising console in a real browser: every panel lands, whatever the browser can do."""

import itertools
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.acceptance.visits import island, opened, table_at_hand, zoomed

PAGES = ("demand", "transactions")
AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
NO_PATCHING = ["--disable-blink-features=DocumentPatching,HTMLProcessingInstruction"]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
LANDED = """() => {
  const panels = [...document.querySelectorAll('section.panel')];
  const landed = (panel) => panel.querySelector('.panel-body') && !panel.querySelector('.skeleton');
  return panels.length > 0 && panels.every(landed);
}"""


WITHOUT_BODY = (
    "them => them.filter(one => !one.querySelector('.panel-body') || one.querySelector('.skeleton')).map(one => one.dataset.panel)"
)
STARTS = itertools.count()
PAINT_TOLD = "() => new Promise(done => new PerformanceObserver(() => setTimeout(done)).observe({ type: 'paint', buffered: true }))"
"""Those who listened before have been told, too."""


def names_without_body(page):
    return page.eval_on_selector_all("section.panel", WITHOUT_BODY)


def never_seen(name):
    """A state of the page nobody has asked for yet, so that it is streamed rather than joined from the cache."""
    first = date(2017, 1, 1) + timedelta(next(STARTS))
    return f"/merchandising/{name}?period={first}..{first + timedelta(200)}"


@pytest.mark.parametrize("name", PAGES)
def test_every_panel_lands_without_script(seawall, new_page, name):
    """Chromium fills `<template for>` itself: with script switched off, each panel of each page is in its place."""
    page = new_page(java_script_enabled=False)
    page.goto(seawall.url + never_seen(name))
    assert page.locator("section.panel").count() > 0
    assert names_without_body(page) == []
    assert page.locator("main > template").count() == 0


@pytest.mark.parametrize("script", [True, False])
def test_the_numbers_of_a_chart_come_when_they_are_asked_for(seawall, new_page, script):
    """With script in the panel, by keyboard too; without it the link leads to a page with the same table, which leads back."""
    page = opened(seawall, new_page(java_script_enabled=script), scripted=script)
    table_at_hand(page, "#panel-sales")
    panel = page.locator("#panel-sales")
    assert panel.locator("td").count() == 0
    panel.locator("details.data summary").press("Enter")
    if not script:
        panel.locator("[data-table]").click()
    table = (panel if script else page).locator(".scroll[role=region] table")
    table.locator("tbody tr").nth(10).wait_for()
    if not script:
        page.locator("main a.button").click()
        page.wait_for_url("**#panel-sales")


@pytest.mark.parametrize("name", PAGES)
def test_every_panel_lands_where_the_browser_needs_our_script(seawall, new_page, name):
    """A browser that does not know `<template for>` gets the same page from a script of less than a kilobyte."""
    page = new_page(flags=NO_PATCHING)
    page.goto(seawall.url + never_seen(name))
    page.wait_for_function(LANDED)
    assert page.locator("main > template").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_browser_with_neither_gets_the_page_in_order(seawall, new_page, name):
    """No script and no `<template for>`: the page asks for itself again, in order."""
    page = new_page(flags=NO_PATCHING, java_script_enabled=False, user_agent=FIREFOX)
    page.goto(seawall.url + never_seen(name))
    page.wait_for_url("**inorder=1**")
    assert names_without_body(page) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_no_violation(seawall, new_page, name, scheme, width):
    """axe-core, both colour schemes, both widths."""
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page.goto(f"{seawall.url}/merchandising/{name}")
    page.wait_for_function(LANDED)
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_breaks_the_content_security_policy(seawall, new_page, name):
    """A strict policy, and a page that keeps it: nothing in the console."""
    page = new_page()
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{seawall.url}/merchandising/{name}")
    page.wait_for_function(LANDED)
    page.wait_for_timeout(300)
    assert said == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(("locale", "cold"), [("en-US", True), ("en-US", False), ("de-DE", True)])
def test_the_layout_holds_still(seawall, new_page, name, width, locale, cold):
    """Skeletons have the shape of what comes: cumulative layout shift stays under 0.05, and nothing scrolls sideways."""
    page = new_page(viewport={"width": width, "height": 900}, locale=locale)
    page.add_init_script(
        "window.shift = 0; window.moved = []; new PerformanceObserver((list) => {"
        " for (const one of list.getEntries()) if (!one.hadRecentInput) { shift += one.value; moved.push("
        " [Math.round(one.startTime), one.value, ...one.sources.map(({ node, previousRect, currentRect }) =>"
        " [node?.id || node?.className || node?.nodeName, previousRect.y, currentRect.y, currentRect.height])]); } })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto(seawall.url + (never_seen(name) if cold else f"/merchandising/{name}"))
    page.wait_for_function(LANDED)
    page.wait_for_timeout(300)
    assert page.evaluate("shift") < 0.05, page.evaluate("moved")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def choose(page, name, value):
    """Open a list of check boxes and tick one."""
    page.locator(f"#f-{name} summary").click()
    page.locator(f"#filters input[name={name}][value={value}]").check()


def test_a_filter_updates_only_the_panels_it_touches(seawall, new_page):
    """Choosing a store group asks for the touched panels in one request, without a page load; back undoes it."""
    page = new_page()
    opened(seawall, page, "demand?store_group=West")  # so that no panel of it will be late and asked for twice
    opened(seawall, page)
    page.evaluate("window.stayed = true")
    touched = page.eval_on_selector_all("section.panel[data-filters~=store_group]", "them => them.map(one => one.dataset.panel)")
    everything = page.eval_on_selector_all("section.panel", "them => them.map(one => one.dataset.panel)")
    assert 0 < len(touched) < len(everything)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/fragments?" in request.url else None)
    body = f"#panel-{touched[0]} .panel-body"  # the age beside it tells "just now" only the second time
    before = page.locator(body).inner_html()
    choose(page, "store_group", "West")
    page.wait_for_function("before => document.querySelector(before[0]).innerHTML !== before[1]", arg=[body, before])
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    assert "store_group=West" in page.url
    assert len(asked) == 1
    assert set(asked[0].split("panels=")[1].split("&")[0].replace("%2C", ",").split(",")) == set(touched)
    page.go_back()
    page.wait_for_function("before => document.querySelector(before[0]).innerHTML === before[1]", arg=[body, before])
    assert page.evaluate("window.stayed") is True
    page.go_forward()
    page.wait_for_function("() => location.search.includes('store_group=West')")


def test_a_filter_works_without_script(seawall, new_page):
    """The filter bar is a form: submitted plainly, it gives the same state."""
    page = new_page(java_script_enabled=False)
    page.goto(f"{seawall.url}/merchandising/demand?department=GROCERY")
    assert page.locator("#filters input[name=department]:checked").evaluate_all("them => them.map(one => one.value)") == ["GROCERY"]
    assert page.locator("#filters button.apply").is_visible()
    page.locator("#filters button.apply").click()
    assert "department=GROCERY" in page.url


def test_a_chart_can_be_read_with_the_keyboard(seawall, new_page):
    """Tab reaches a chart, arrow keys walk its points, and what is shown is also said."""
    page = opened(seawall, new_page())
    page.locator("svg.chart[data-points]").first.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".tooltip").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator(".tooltip").is_visible()
    second = page.locator(".tooltip").inner_text()
    assert second != first
    page.keyboard.press("Escape")
    assert not page.locator(".tooltip").is_visible()


def test_scrolling_keeps_the_place_of_whoever_reads_with_the_keyboard(seawall, new_page):
    """The tooltip goes along with its chart, and the next arrow key goes on from there; a pointer's tooltip closes instead."""
    page = opened(seawall, new_page())
    chart = page.locator("svg.chart[data-points]").first
    chart.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".tooltip").inner_text()
    before = page.locator(".tooltip").evaluate("tip => tip.getBoundingClientRect().y")
    page.mouse.wheel(0, 40)
    page.wait_for_function("before => Math.abs(document.querySelector('.tooltip').getBoundingClientRect().y - before + 40) < 1", arg=before)
    page.keyboard.press("ArrowRight")
    assert page.locator(".tooltip").inner_text() != first
    page.evaluate("document.activeElement.blur()")
    chart.hover()
    page.locator(".tooltip").wait_for()
    page.mouse.wheel(0, 40)
    page.locator(".tooltip").wait_for(state="hidden")


def test_zooming_loads_its_island_only_when_asked(seawall, new_page):
    """uPlot comes on the first press of zoom, not before."""
    page = new_page()
    scripts = []
    page.on("request", lambda request: scripts.append(request.url) if request.resource_type == "script" else None)
    page.goto(f"{seawall.url}/merchandising/demand")
    page.wait_for_function(LANDED)
    page.wait_for_timeout(300)
    assert not [url for url in scripts if "zoom" in url]
    zoomed(page, "#panel-sales")
    assert [url for url in scripts if "zoom" in url]


def test_real_user_measurements_arrive_with_page_release_and_action(seawall, new_page):
    """Leaving a page sends its web vitals once, and the server takes them."""
    page = new_page()
    page.goto(f"{seawall.url}/merchandising/demand")
    page.wait_for_function(LANDED)
    island(page, "vitals")
    page.evaluate(PAINT_TOLD)
    with page.expect_request("**/api/vitals") as sent:
        page.evaluate(
            "Object.defineProperty(document, 'visibilityState', {value: 'hidden'});"
            "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
        )
    assert sent.value.response().status == 204
    body = sent.value.post_data_json
    assert body["page"] == "demand"
    assert len(body["release"]) >= 12
    assert {"FCP", "TTFB"} <= {one["name"] for one in body["metrics"]}


def test_the_page_speaks_german_to_those_who_ask(seawall, new_page):
    """Accept-Language decides words and numbers; `?lang` overrides it; an unknown one falls back to English."""
    page = new_page(locale="de-DE")
    page.goto(f"{seawall.url}/merchandising/demand")
    assert page.locator("html").get_attribute("lang") == "de"
    page.goto(f"{seawall.url}/merchandising/demand?lang=tlh")
    assert page.locator("html").get_attribute("lang") in ("de", "en")
    page.goto(f"{seawall.url}/merchandising/demand?lang=en")
    assert page.locator("html").get_attribute("lang") == "en"


def test_transactions_page_forward_and_back(seawall, new_page):
    """The keyset table gives the next rows without a page load, and back returns."""
    page = new_page()
    page.goto(f"{seawall.url}/merchandising/transactions")
    page.wait_for_function(LANDED)
    rows = page.locator("section.panel tbody tr")
    first = rows.first.inner_text()
    page.locator("section.panel a[rel=next]").click()
    page.wait_for_function("first => ![undefined, first].includes(document.querySelector('section.panel tbody tr')?.innerText)", arg=first)
    page.go_back()
    page.wait_for_function("first => document.querySelector('section.panel tbody tr')?.innerText === first", arg=first)
