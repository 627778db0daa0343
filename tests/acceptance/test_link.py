"""`seawall link`: looking at the console as somebody else."""

import subprocess

from tests.acceptance.conftest import COMMAND


def test_a_link_shows_the_page_as_that_person_sees_it(seawall, launch):
    """Signed in as a viewer of the West, the store groups panel knows no other group; the link works once."""
    options = ("--role", "viewer", "--attr", "store_groups=West", "--data", str(seawall.data))
    url = subprocess.run((*COMMAND, "link", *options), capture_output=True, text=True, check=True).stdout.strip()
    context = launch().new_context()
    page = context.new_page()
    page.goto(url)
    page.goto(f"{seawall.url}/merchandising/demand")
    page.wait_for_selector("#panel-store_groups .panel-body svg.chart")
    words = page.locator("#panel-store_groups").text_content()
    assert "West" in words
    assert not [group for group in ("North", "South", "East") if group in words]
    again = launch().new_context().new_page()
    again.goto(url)
    assert again.locator("section.panel").count() == 0
