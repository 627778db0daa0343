"""What readers can always get at: a switch for the key that acts, every page at every width, what they zoom into, what did not come."""

import re

import pytest
from tests.acceptance.visits import answered, opened, zoomed

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


def test_zooming_draws_what_the_chart_draws(seawall, new_page):
    """Two lines of a comparison, whole weeks alone: neither their change, which has another scale, nor a week chosen in part."""
    page = new_page()
    page.goto(f"{seawall.url}/merchandising/ask?metric=net_sales&by=week&period=2017-06&compare=previous")
    answered(page, "[data-zoom]")
    zoomed(page, "section.panel")
    assert page.locator(".u-legend .u-label").all_inner_texts() == ["Week", "Net sales", "Net sales before"]
    assert page.locator(".u-legend .u-value").first.inner_text() == "Jun 19, 2017"


def test_zooming_shows_hours_as_they_are(seawall, new_page):
    """Times without a zone mean the same to a reader elsewhere, and rows without a time are of no period."""
    page = new_page(timezone_id="America/New_York")
    columns = [
        {"name": "hour", "label": "Hour", "role": "dimension", "datatype": "DateTime"},
        {"name": "net_sales", "label": "Net sales", "role": "metric", "datatype": "Number"},
    ]
    rows = [{"hour": hour, "net_sales": 1} for hour in ("2018-01-01T00:00:00", "2018-01-01T01:00:00", None)]
    opened(seawall, page)
    page.route("**/api/panels/sales*", lambda route: route.fulfill(json={"columns": columns, "rows": rows}))
    zoomed(page, "#panel-sales")
    assert page.locator(".u-legend .u-value").first.inner_text().replace("\u202f", " ") == "Jan 1, 2018, 1:00 AM"


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


@pytest.mark.parametrize("width", [1440, 960, 720, 320])
def test_the_banner_names_every_page_at_every_width(seawall, new_page, width):
    """Zoomed in to 200 % on a common screen, too: no page hides behind the question box."""
    page = new_page(viewport={"width": width, "height": 900}, locale="de-DE")
    page.goto(f"{seawall.url}/merchandising/demand")
    nav = page.locator(".top nav")
    nav.wait_for()
    assert nav.evaluate("one => [one, one.firstChild].every((each) => each.scrollWidth <= each.clientWidth)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_wrong_value_leaves_the_other_filters_in_line(seawall, new_page):
    """It has a row of its own, with room for the sentence that says what is wrong."""
    page = opened(seawall, new_page(viewport={"width": 1440, "height": 900}), "transactions?amount=abc&product=milk")
    tops = page.eval_on_selector_all(
        ".field:not(.wrong) > :is(select, input, .multi)", "them => them.map((one) => one.getBoundingClientRect().y)"
    )
    assert len(set(tops)) == 2
    assert page.locator(".field.wrong").bounding_box()["width"] > 1000


def test_paper_tells_no_age_that_goes_on(seawall, new_page):
    """ "Just now" is wrong before the ink is dry; nor does paper have buttons or room for filters that are not set."""
    page = opened(seawall, new_page(viewport={"width": 794, "height": 1123}))
    page.emulate_media(media="print")
    assert not page.locator(".age:not(.stale, .summary):visible, .button:visible").count()
    assert page.locator(".bar").count() == 0 or page.locator(".bar").bounding_box()["height"] < 40
