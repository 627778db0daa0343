"""Every page of the merchandising console at 1440 and 390 px, light and dark, into docs/images/ (or the folder given),
and the first screen of the first page, which the README shows.

`make screenshots` runs it; `ARGS=FOLDER` writes elsewhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.harness import REPOSITORY, chromium, instance
from playwright.sync_api import Page

from seawall.app.load import load_bundle

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
LOADS_MAX = 20
LANDED = "document.querySelectorAll('section.panel').length && !document.querySelector('section.panel .skeleton')"


def main(folder: Path) -> None:
    """Start an instance, sign in by a token's cookie, take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    app = load_bundle(REPOSITORY / "apps" / "merchandising").app
    with instance() as running, chromium() as browser:
        for scheme in SCHEMES:
            for width in WIDTHS:
                context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                context.add_cookies([{"name": "seawall_token", "value": running.token("approver"), "url": running.url}])
                for name in app.pages:
                    page = context.new_page()
                    _open_whole(page, f"{running.url}/{app.name}/{name}")
                    target = folder / f"{name}-{width}-{scheme}.png"
                    page.screenshot(path=target, full_page=True)
                    if (width, scheme, name) == (WIDTHS[0], SCHEMES[0], next(iter(app.pages))):
                        page.screenshot(path=folder / "first-screen.png")
                    sys.stdout.write(f"{target}\n")
                context.close()


def _open_whole(page: Page, url: str) -> None:
    """Load until no panel says that it is missing: caches are cold and forecasts are not made yet just after a start."""
    for _ in range(LOADS_MAX):
        page.goto(url)
        page.wait_for_function(LANDED)
        if not page.locator("section.panel [data-retry]").count():
            return
        page.wait_for_timeout(2000)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs" / "images")
