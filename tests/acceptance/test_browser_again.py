"""Panels whose answers came too late ask once more by themselves.

The gateway takes no deadline from outside, so the page with a late panel is made here: the real one, with the sales panel
as `render/states.py` draws it when it came too late.
"""

import re

import pytest
from tests.acceptance.conftest import APP
from tests.acceptance.visits import opened

from seawall.app.load import load_bundle
from seawall.ui.render.context import RenderContext
from seawall.ui.render.states import explanation

SALES = re.compile(r'(<section class="panel[^"]*" id="panel-sales"[^>]*>).*?(</section>)', re.DOTALL)
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture
def late():
    """The sales panel when its answer came too late."""
    panel = load_bundle(APP).app.pages["demand"].panels["sales"]
    return str(explanation(panel, "deadline-exceeded", RenderContext("merchandising", "demand", "en", None, {}, 0.0), "?"))


@pytest.fixture
def late_page(seawall, new_page, late):
    """A page on which sales are late, and the addresses of the fragments it asks for."""
    page = opened(seawall, new_page())
    asked = []

    def answer(route):
        found = route.fetch(headers={**route.request.headers, **PLAIN})
        route.fulfill(response=found, body=SALES.sub(lambda match: match[1] + late + match[2], found.text()))

    page.on("request", lambda request: asked.append(request.url) if "/fragments?" in request.url else None)
    page.route("**/merchandising/demand", answer)
    return page, asked


def test_a_late_panel_comes_by_itself(seawall, late_page):
    """About a second later it is in place, quietly, and its headline is said to those who listen."""
    page, asked = late_page
    shown = []
    page.route("**/fragments?*", lambda route: (shown.append(page.locator("#panel-sales [data-again]").count()), route.continue_()))
    page.goto(f"{seawall.url}/merchandising/demand")
    page.wait_for_selector("#panel-sales svg.chart")
    assert shown == [1]
    page.wait_for_function("() => document.getElementById('status').textContent === document.getElementById('h-sales').textContent")
    assert [url.partition("panels=")[2] for url in asked] == ["sales"]


def test_it_asks_once(seawall, late_page, late):
    """A panel that is late again stays as it is, with its button; nothing loops, nothing is said."""
    page, asked = late_page
    page.route("**/fragments?*", lambda route: route.fulfill(content_type="text/html", body=f'<template for="sales">{late}</template>'))
    with page.expect_request_finished(lambda request: "/fragments?" in request.url):
        page.goto(f"{seawall.url}/merchandising/demand")
    page.wait_for_timeout(2500)
    assert len(asked) == 1
    assert page.locator("#status").inner_text() == ""
    page.unroute("**/fragments?*")
    page.locator("#panel-sales [data-retry]").click()
    page.wait_for_selector("#panel-sales svg.chart")


def test_no_page_asks_for_an_icon_in_vain(seawall, new_page):
    """It is there and may be kept."""
    page = new_page()
    page.goto(f"{seawall.url}/merchandising/transactions")
    icon = page.request.get(seawall.url + page.locator("link[rel=icon]").get_attribute("href"))
    assert (icon.status, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert "immutable" in icon.headers["cache-control"]
