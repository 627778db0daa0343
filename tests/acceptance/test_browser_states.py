"""axe-core finds nothing to say of a page in any of its states, light and dark."""

from pathlib import Path

import pytest
from tests.acceptance.visits import opened, row_opened, table_at_hand, zoomed

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"


def list_open(page):
    page.locator("#f-department summary").click()


def table_open(page):
    table_at_hand(page, "#panel-sales")
    page.locator("#panel-sales details.data summary").click()
    page.wait_for_selector("#panel-sales td")


def zoom_open(page):
    zoomed(page, "#panel-sales")


def point_told(page):
    page.locator("#panel-sales svg.chart").press("End")
    page.wait_for_selector(".tooltip")


def row_open(page):
    row_opened(page, page.locator("a.rl").first.click)
    page.wait_for_selector("dialog[open] dd")


def connection_lost(page):
    page.context.set_offline(True)
    page.locator("#f-period").select_option("last_4_weeks")
    page.wait_for_selector("[data-lost]")


def row_not_had(page):
    page.context.set_offline(True)
    page.locator("a.rl").first.click()
    page.wait_for_selector("#status:not(.sr)")


STATES = {
    "list": ("demand", list_open),
    "table": ("demand", table_open),
    "zoom": ("demand", zoom_open),
    "point": ("demand", point_told),
    "lost": ("demand", connection_lost),
    "empty": ("demand?period=2016-01", None),
    "row": ("transactions", row_open),
    "row-not-had": ("transactions", row_not_had),
    "wrong": ("transactions?amount=much", None),
    "nothing": ("transactions?product=there-is-none", None),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_state(seawall, new_page, state, scheme):
    """Lists and tables open, a point told, a row in full, nothing found, a wrong value, no connection."""
    path, reach = STATES[state]
    page = opened(seawall, new_page(color_scheme=scheme, bypass_csp=True), path)
    page.add_script_tag(path=str(AXE))
    if reach is not None:
        reach(page)
        page.wait_for_timeout(200)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []


@pytest.mark.parametrize("path", ["auth/sign-in", "nothing-here", "merchandising/nothing-here"])
def test_axe_finds_no_violation_where_there_is_no_page(seawall, new_page, path):
    """Signing in, and addresses of nothing."""
    page = new_page(bypass_csp=True)
    page.goto(f"{seawall.url}/{path}")
    page.add_script_tag(path=str(AXE))
    assert page.evaluate("axe.run({resultTypes: ['violations']})")["violations"] == []
