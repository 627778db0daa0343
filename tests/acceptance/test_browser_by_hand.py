"""What a reader can turn off or bring back by hand: the key that goes to the question box, and a page that was cut off."""

import re

from tests.acceptance.visits import answered, opened

SCRIPTED = "() => document.documentElement.classList.contains('scripted')"
IN_BOX = "() => document.activeElement.id === 'q'"


def test_the_slash_can_be_switched_off(seawall, new_page):
    """A single character that acts needs a switch (WCAG 2.1.4): it stands at the box, works by keyboard and is kept."""
    page = opened(seawall, new_page())
    page.wait_for_function(SCRIPTED)
    page.keyboard.press("/")
    page.wait_for_function(IN_BOX)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#slash").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    assert not page.locator("#slash").is_visible()
    assert page.evaluate("document.activeElement.matches('.key-hint summary')")
    page.keyboard.press("/")
    assert not page.evaluate(IN_BOX)
    opened(seawall, page, "transactions").wait_for_function(SCRIPTED)
    page.keyboard.press("/")
    assert not page.evaluate(IN_BOX)
    page.locator(".key-hint summary").click()
    page.locator("#slash").check()
    page.locator("h1").click()
    assert not page.locator("#slash").is_visible()
    page.keyboard.press("/")
    page.wait_for_function(IN_BOX)


def zoomed(page):
    """Zoom the only panel; rows that came too late on a busy machine are asked for again."""
    for _ in range(5):
        page.locator("section.panel [data-zoom]").click()
        page.locator(".zoom :is(canvas, .hint)").first.wait_for()
        if page.locator(".zoom canvas").count():
            return
        page.locator("section.panel [data-zoom]").click()
    raise AssertionError("its rows never came in time")


def test_zooming_draws_what_the_chart_draws(seawall, new_page):
    """Two lines of a comparison, whole weeks alone: neither their change, which has another scale, nor a week chosen in part."""
    page = new_page()
    page.goto(f"{seawall.url}/merchandising/ask?metric=net_sales&by=week&period=2017-06&compare=previous")
    answered(page, "[data-zoom]")
    zoomed(page)
    assert page.locator(".u-legend .u-label").all_inner_texts() == ["Week", "Net sales", "Net sales before"]
    assert page.locator(".u-legend .u-value").first.inner_text() == "Jun 19, 2017"


def test_a_page_that_was_cut_off_says_so_without_script(seawall, new_page):
    """Nobody is there to ask for the rest; after a while a sentence says what is missing, with a way to load it again."""
    page = new_page(java_script_enabled=False, reduced_motion="reduce")

    def cut(route):
        answer = route.fetch()
        html = re.sub(
            r"(<section [^>]*>).*?</section>", r'\1<div class="skeleton"></div></section>', answer.text(), count=1, flags=re.DOTALL
        )
        route.fulfill(response=answer, body=html.partition("</section>")[0])

    page.route("**/merchandising/demand?inorder=1", cut)
    page.goto(f"{seawall.url}/merchandising/demand?inorder=1")
    words = page.locator(".late")
    assert not words.is_visible()
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")
    assert words.is_visible()
    page.unroute("**/merchandising/demand?inorder=1")
    words.locator("a").click()
    page.locator("#panel-sales .panel-foot").wait_for()
    assert not words.is_visible()
