"""How pages look where it is easy to forget to look: open lists, paper, forced colours, scroll bars that take room."""

import itertools

import pytest
from tests.acceptance.conftest import CHROMIUM, CHROMIUM_FLAGS
from tests.acceptance.visits import opened

MOVED = (
    "window.moved = 0; new PerformanceObserver((list) => { for (const { sources } of list.getEntries())"
    " moved += sources.some(({ node, previousRect: was, currentRect: is }) => node?.id === 'main' && was.x !== is.x); })"
    ".observe({ type: 'layout-shift', buffered: true });"
)
AMOUNTS = itertools.count(1)


@pytest.mark.parametrize("width", [1440, 390])
def test_boxes_of_a_list_stand_in_a_column(seawall, new_page, width):
    """Check boxes have one size and one left edge, whatever stands beside them, and the list stays on the screen."""
    page = opened(seawall, new_page(viewport={"width": width, "height": 900}), "demand")
    page.locator("#f-department summary").click()
    boxes = page.eval_on_selector_all("#f-department input", "them => them.map(one => one.getBoundingClientRect().toJSON())")
    assert {(box["width"], box["height"], box["x"]) for box in boxes} == {(16, 16, boxes[0]["x"])}
    menu = page.locator("#f-department .menu").bounding_box()
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= width


def test_a_select_looks_like_one_everywhere(seawall, new_page):
    """In the filters and in the lists of a question it has its arrow."""
    page = new_page()
    for path in ("demand", "ask?q=net+sales+by+department"):
        page.goto(f"{seawall.url}/merchandising/{path}")
        page.wait_for_selector("select", state="attached")
        arrows = page.eval_on_selector_all("select", "them => them.map(one => getComputedStyle(one).backgroundImage)")
        assert arrows
        assert "none" not in arrows


def test_paper_tells_what_was_chosen(seawall, new_page):
    """A printed page names its filters, every value of them, and no filter that is not set; its tables are not cut off."""
    page = opened(
        seawall, new_page(viewport={"width": 794, "height": 1123}), "transactions?department=GROCERY&department=MEAT&amount=5..20"
    )
    page.emulate_media(media="print")
    assert page.locator("#filters").inner_text().split() == ["Department", "GROCERY", "MEAT", "Sales", "in", "dollars"]
    assert page.locator("#f-amount").is_visible()
    assert page.evaluate("() => document.querySelector('#panel-rows table').getBoundingClientRect().right <= innerWidth")
    assert not page.locator(".top, .pager a, a[download]").first.is_visible()


def test_the_current_page_is_told_in_forced_colours(seawall, new_page):
    """Only the tab of the page that is shown is underlined."""
    page = opened(seawall, new_page(forced_colors="active"), "demand")
    colors = page.eval_on_selector_all(".top nav a", "them => them.map(one => getComputedStyle(one).borderBlockEndColor)")
    ground = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    assert colors[0] != ground
    assert set(colors[1:]) == {ground}


def test_nothing_moves_sideways_where_scroll_bars_take_room(seawall, playwright):
    """A cold page that grows beyond the window while it streams keeps its width."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS, ignore_default_args=["--hide-scrollbars"])
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.context.add_cookies([{"name": "seawall_token", "value": seawall.token(), "url": seawall.url}])
        page.add_init_script(MOVED)
        for path in ("transactions?amount={}..999", "products?words={}", "transactions?product=none-{}"):
            opened(seawall, page, path.format(next(AMOUNTS)))
            page.wait_for_timeout(200)
            assert page.evaluate("moved") == 0, path
    finally:
        browser.close()
