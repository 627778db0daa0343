"""A row in full, as people open it: by link, by pointer, by keyboard, with script and without."""

import re

import httpx
import pytest

LANDED = "() => document.querySelector('section.panel tbody tr') && !document.querySelector('section.panel .skeleton')"
PAGE = "/merchandising/transactions?department=GROCERY"


@pytest.fixture
def listing(seawall, new_page):
    """The transactions of one department."""
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(seawall.url + PAGE)
    page.wait_for_function(LANDED)
    page.wait_for_selector("html.scripted")
    return page


def ask(seawall, path, **rights):
    """The data API as somebody."""
    return httpx.get(f"{seawall.url}/merchandising/api/panels/rows{path}", headers=seawall.headers(**rights), timeout=15)


def test_a_row_opens_in_a_dialog_and_escape_closes_it(listing):
    """By keyboard: Enter on the row's link opens it, Escape closes it, and the focus is where it was."""
    link = listing.locator("a.rl").nth(2)
    link.focus()
    listing.keyboard.press("Enter")
    listing.wait_for_selector("dialog.detail[open]")
    assert "rows.row=" in listing.url
    assert "department=GROCERY" in listing.url
    assert listing.locator("dialog.detail h2").inner_text() == link.inner_text()
    listing.keyboard.press("Escape")
    listing.wait_for_function("() => !location.search.includes('rows.row') && !document.querySelector('dialog[open]')")
    assert listing.evaluate("document.activeElement === document.querySelectorAll('a.rl')[2]")


def test_a_click_anywhere_on_a_row_opens_it_and_back_closes_it(listing):
    """The whole row is the target; the history holds the state, so forward opens it again."""
    listing.locator("section.panel tbody tr").nth(4).locator("td").nth(6).click()
    listing.wait_for_selector("dialog.detail[open]")
    heading = listing.locator("dialog.detail h2").inner_text()
    listing.go_back()
    listing.wait_for_function("() => !document.querySelector('dialog[open]')")
    assert "rows.row=" not in listing.url
    listing.go_forward()
    listing.wait_for_selector("dialog.detail[open]")
    assert listing.locator("dialog.detail h2").inner_text() == heading


def test_a_shared_link_shows_the_row_above_the_table(seawall, listing, new_page):
    """Opened elsewhere, and without script, the same address is a page with the row and the table; closing keeps the filters."""
    address = seawall.url + "/merchandising/transactions" + listing.locator("a.rl").first.get_attribute("href")
    page = new_page(java_script_enabled=False)
    page.goto(address)
    assert page.locator("#row-detail ~ .row section.panel tbody tr").count() == 100
    assert page.locator("#row-detail dt", has_text="Loyalty discount").count() == 1
    page.locator("#row-detail a.button").click()
    assert page.url == seawall.url + PAGE
    assert page.locator("#row-detail").count() == 0


def test_with_script_a_shared_link_closes_without_a_page_load(seawall, listing, new_page):
    """The section goes, the address follows, the focus is on the row."""
    address = seawall.url + "/merchandising/transactions" + listing.locator("a.rl").first.get_attribute("href")
    page = new_page()
    page.goto(address)
    page.wait_for_selector("html.scripted")
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
    page.goto(seawall.url + PAGE)
    page.wait_for_function(LANDED)
    page.locator("a.rl").first.click()
    row = page.locator("dialog.detail dl > div", has_text=re.compile("^Haushalt"))
    assert "Für Ihre Rolle verborgen" in row.inner_text()
    assert "Personenbezogen" in row.inner_text()


def test_a_key_that_nobody_gave_out_costs_nothing(seawall, new_page):
    """The page is there, with one sentence about the row."""
    page = new_page()
    page.goto(f"{seawall.url}/merchandising/transactions?rows.row=made-up")
    page.wait_for_function(LANDED)
    assert "There is no such row" in page.locator("#row-detail").inner_text()
