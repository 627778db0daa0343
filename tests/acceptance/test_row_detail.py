"""A row in full, as people open it: by link, by pointer, by keyboard, with script and without."""

import re

import httpx
import pytest
from tests.acceptance.visits import TRIES, opened, row_opened
from tests.waiting import until

PATH = "transactions?department=GROCERY"
PAGE = f"/merchandising/{PATH}"


@pytest.fixture
def listing(seawall, new_page):
    """The transactions of one department."""
    return opened(seawall, new_page(viewport={"width": 1280, "height": 800}), PATH)


def ask(seawall, path, **rights):
    """The data API as somebody, in time."""
    url, headers = f"{seawall.url}/merchandising/api/panels/rows{path}", seawall.headers(**rights)
    return until(lambda: answer if (answer := httpx.get(url, headers=headers, timeout=15)).status_code != 504 else None)


def with_row(seawall, page, path, *, scripted=True):
    """A page that shows a row above the table, both in time."""
    return next(page for _ in range(TRIES) if opened(seawall, page, path, scripted=scripted).locator("#row-detail dl").count())


def test_a_row_opens_in_a_dialog_and_escape_closes_it(listing):
    """By keyboard: Enter on the row's link opens it, Escape closes it, and the focus is where it was."""
    link = listing.locator("a.rl").nth(2)
    row_opened(listing, lambda: link.press("Enter"))
    assert "rows.row=" in listing.url
    assert "department=GROCERY" in listing.url
    assert listing.locator("dialog.detail h2").inner_text() == link.inner_text()
    listing.keyboard.press("Escape")
    listing.wait_for_function("() => !location.search.includes('rows.row') && !document.querySelector('dialog[open]')")
    listing.wait_for_function("() => document.activeElement === document.querySelectorAll('a.rl')[2]")


def test_a_click_anywhere_on_a_row_opens_it_and_back_closes_it(listing):
    """The whole row is the target; the history holds the state, so forward opens it again."""
    row_opened(listing, listing.locator("section.panel tbody tr").nth(4).locator("td").nth(6).click)
    heading = listing.locator("dialog.detail h2").inner_text()
    listing.go_back()
    listing.wait_for_function("() => !document.querySelector('dialog[open]')")
    assert "rows.row=" not in listing.url
    row_opened(listing, listing.go_forward)
    assert listing.locator("dialog.detail h2").inner_text() == heading


def test_a_shared_link_shows_the_row_above_the_table(seawall, listing, new_page):
    """Opened elsewhere, and without script, the same address is a page with the row and the table; closing keeps the filters."""
    path = "transactions" + listing.locator("a.rl").first.get_attribute("href")
    page = with_row(seawall, new_page(java_script_enabled=False), path, scripted=False)
    assert page.locator("#row-detail ~ .row section.panel tbody tr").count() == 100
    assert page.locator("#row-detail dt", has_text="Loyalty discount").count() == 1
    page.locator("#row-detail a.button").click()
    page.wait_for_url(seawall.url + PAGE)
    assert page.locator("#row-detail").count() == 0


def test_with_script_a_shared_link_closes_without_a_page_load(seawall, listing, new_page):
    """The section goes, the address follows, the focus is on the row."""
    page = with_row(seawall, new_page(), "transactions" + listing.locator("a.rl").first.get_attribute("href"))
    page.evaluate("window.kept = true")
    page.locator("#row-detail a.button").click()
    page.wait_for_function("() => !document.getElementById('row-detail') && document.activeElement.className === 'rl'")
    assert page.url == seawall.url + PAGE
    assert page.evaluate("window.kept")


def test_a_row_is_there_for_those_who_may_see_it(seawall):
    """A row of one store group is absent for a viewer of another, exactly like a key that nobody gave out; masks hold here, too."""
    shown = ask(seawall, "?limit=1&store_group=West").json()
    key = shown["keys"][0]
    whole = ask(seawall, f"/rows/{key}").json()
    west = ask(seawall, f"/rows/{key}", role="viewer", store_groups=("West",)).json()
    north, made_up = (ask(seawall, f"/rows/{one}", role="viewer", store_groups=("North",)) for one in (key, key[:-4] + "AAAA"))
    assert {name: whole["row"][name] for name in shown["rows"][0]} == shown["rows"][0]
    assert whole["row"]["household_id"] is not None
    assert west["row"] == whole["row"] | {"household_id": None}
    assert [field["name"] for field in west["fields"] if field["masked"]] == ["household_id"]
    assert (north.status_code, made_up.status_code) == (404, 404)
    assert north.json()["detail"] == made_up.json()["detail"]


def test_what_is_masked_says_so_on_the_page(seawall, new_page):
    """In the reader's language."""
    page = new_page(role="viewer", attributes={"store_groups": ("West",)}, locale="de-DE")
    opened(seawall, page, PATH)
    row_opened(page, page.locator("a.rl").first.click)
    row = page.locator("dialog.detail dl > div", has_text=re.compile("^Haushalt"))
    assert "Für Ihre Rolle verborgen" in row.inner_text()
    assert "Personenbezogen" in row.inner_text()


def test_a_key_that_nobody_gave_out_costs_nothing(seawall, new_page):
    """The page is there, with one sentence about the row."""
    page = opened(seawall, new_page(), "transactions?rows.row=made-up")
    assert "There is no such row" in page.locator("#row-detail").inner_text()
