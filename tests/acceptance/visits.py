"""How tests come to a page whose panels are all there and whose script listens, on a machine of any speed.

What came too late for a busy machine is asked for again here, as a user would: nothing is slower or less exact for it.
"""

from urllib.parse import urljoin

IDLE = "() => document.querySelector('section.panel') && !document.querySelector('[aria-busy=true], .skeleton')"
HAS_CHOICES = "() => [...document.querySelectorAll('#filters details.multi')].every(list => list.querySelector('input'))"
LATE = " data-again"
"""In a page's own text: reading it from the document might come after the script has asked once more."""
TRIES = 5


def opened(seawall, page, path="demand", *, scripted=True):
    """A page with all its panels and choices, whose script listens; one of which a part came too late is asked for again."""
    for _ in range(TRIES):
        answer = page.goto(f"{seawall.url}/merchandising/{path}")
        page.wait_for_function(IDLE)
        if scripted:
            page.wait_for_selector("html.scripted")
        if LATE not in answer.text() and page.evaluate(HAS_CHOICES):
            return page
    raise AssertionError("it never came in time")


def answered(page, selector):
    """An answer that holds `selector`; one that came too late on a busy machine is asked for again."""
    for _ in range(TRIES):
        page.locator(f"section.panel :is({selector}), section.panel [data-retry]").first.wait_for()
        if page.locator(f"section.panel :is({selector})").count():
            return
        page.reload()
    raise AssertionError("it never came in time")


def table_at_hand(page, panel):
    """The numbers that a panel's link leads to have been made, so that they come in time."""
    link = page.locator(f"{panel} [data-table]").get_attribute("href")
    assert any(page.request.get(urljoin(page.url, link)).ok for _ in range(TRIES))


def zoomed(page, panel):
    """A panel's chart is open for zooming; when its numbers came too late it is closed and opened again."""
    for _ in range(TRIES):
        page.locator(f"{panel} [data-zoom]").click()
        page.wait_for_selector(f"{panel} :is(.uplot canvas, .zoom[role=alert])")
        if page.locator(f"{panel} .uplot canvas").count():
            return
        page.locator(f"{panel} [data-zoom]").click()
    raise AssertionError("it never came in time")


def row_opened(page, press):
    """A row stands in its dialog after `press`; when it came too late, which is said there or on the page, it is pressed again."""
    for _ in range(TRIES):
        press()
        page.wait_for_selector("dialog.detail[open] h2, #status:not(.sr)")
        if page.locator("dialog.detail[open] dl").count():
            return
        page.keyboard.press("Escape")
        page.wait_for_function("() => !location.search.includes('.row=')")
    raise AssertionError("it never came in time")


def island(page, name):
    """A part of the script that comes when it is needed has come, and listens."""
    came = f"() => performance.getEntriesByType('resource').find(one => one.name.includes('/build/{name}.'))?.name"
    page.evaluate("url => import(url).then(() => true)", page.wait_for_function(came).json_value())
