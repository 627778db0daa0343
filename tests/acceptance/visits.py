"""How tests come to a page whose panels are all there."""

IDLE = "() => document.querySelector('section.panel') && !document.querySelector('[aria-busy=true], .skeleton')"


def opened(seawall, page, path="demand"):
    """A page with all its panels; one that came too late on a busy machine is asked for again."""
    for _ in range(5):
        page.goto(f"{seawall.url}/merchandising/{path}")
        page.wait_for_function(IDLE)
        if not page.locator("[data-again]").count():
            break
    return page


def answered(page, selector):
    """An answer that holds `selector`; one that came too late on a busy machine is asked for again."""
    for _ in range(5):
        page.locator(f"section.panel :is({selector}), section.panel [data-retry]").first.wait_for()
        if page.locator(f"section.panel :is({selector})").count():
            return
        page.reload()
    raise AssertionError("it never came in time")
