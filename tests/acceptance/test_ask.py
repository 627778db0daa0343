"""Asking in a real browser: from the box on a page to an answer that was changed, refined, judged and kept."""

import re
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from tests.acceptance.visits import answered, island
from tests.waiting import until

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
NO_PATCHING = ["--disable-blink-features=DocumentPatching,HTMLProcessingInstruction"]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
BY_DEPARTMENT = "net sales by department in march 2017"
ASKED = f"/merchandising/ask?q={quote(BY_DEPARTMENT)}"
PARTS = "/merchandising/ask?metric=net_sales&by=products.department&period=2017-03"
LANDED = (
    "() => { const body = document.querySelector('section.panel .panel-body'); return !!body && !document.querySelector('.skeleton'); }"
)
ODD = PARTS + "&odd=soonish&at=c-period-0"
"""Where a form of the period sent words that are none."""
LEARNT_SECONDS = 120


@pytest.fixture(scope="module", autouse=True)
def learnt(seawall):
    """The app's words are there: both replicas have answered a question."""
    with httpx.Client(base_url=seawall.url, headers=seawall.headers() | {"accept": "application/json"}, timeout=LEARNT_SECONDS) as client:

        def answers():
            return client.post("/merchandising/api/ask", json={"question": BY_DEPARTMENT}).status_code == 200

        until(lambda: all(answers() for _ in range(6)), LEARNT_SECONDS, every=0.2)


def chips(page):
    """What the chips say, without their forms."""
    texts = page.locator(".chips > .chip:not(.add)").evaluate_all("all => all.map(one => one.querySelector('[dir]').textContent)")
    return list(texts)


@contextmanager
def changed(page):
    """What is done here changes the answer, by a page load or in place; then all of it has come: nothing is redrawn under a click."""
    page.evaluate("() => { window.before = true; document.getElementById('status').textContent = '' }")
    yield
    page.wait_for_function("() => !window.before || document.getElementById('status').textContent !== ''")


def suggested(page, values):
    """Whether a field's values are offered; those that came too late are asked for again."""
    if page.locator(f"{values} option").count() > 5:
        return True
    page.reload()
    return False


def query_of(page):
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("script", [True, False])
def test_a_question_is_asked_changed_and_refined(seawall, new_page, script):
    """From the box of a page to an answer; a chip is changed, another part is taken away, a follow-up adds one. Script or not."""
    page = new_page(java_script_enabled=script)
    page.goto(seawall.url + "/merchandising/demand")
    page.get_by_role("searchbox", name="Ask a question about this data").fill(BY_DEPARTMENT)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask?*")
    answered(page, "svg.chart")
    assert chips(page) == ["Net sales", "by Department", "March 2017"]
    assert "GROCERY" in page.locator("section.panel").inner_text()
    page.locator(".chip.is-metric summary").click()
    page.locator(".chip.is-metric select").select_option("units")
    with changed(page):
        page.locator(".chip.is-metric .menu button").click()
    page.wait_for_url("**metric=units**")
    with changed(page):
        page.locator(".chip.is-period a.x").click()
    page.wait_for_url(lambda url: "period" not in url)
    page.locator("#then").fill("as a table")
    page.locator("#then").press("Enter")
    answered(page, "table")
    assert chips(page) == ["Units", "by Department", "as a table"]


def test_a_condition_finds_values_in_any_letters(seawall, new_page):
    """Written small it is still the department; two values are either of them; suggestions are the data's."""
    page = new_page()
    page.goto(seawall.url + PARTS)
    page.locator(".chip.add summary").click()
    page.locator("#n-wf").select_option("products.department")
    page.locator("#n-wv").fill("grocery")
    with changed(page):
        page.locator("#n-wv").press("Enter")
    page.wait_for_url("**GROCERY**")
    until(lambda: suggested(page, "#d-products-department"))
    page.locator(".chip.is-where summary").click()
    page.get_by_label("or", exact=True).fill("Deli")
    page.keyboard.press("Enter")
    page.wait_for_url("**DELI**")
    assert "Department is GROCERY or DELI" in chips(page)


def test_by_keyboard_alone(seawall, new_page):
    """A slash goes to the box; Tab to a chip, Space opens it, Escape closes it and gives the focus back."""
    page = new_page()
    page.goto(seawall.url + "/merchandising/demand")
    page.wait_for_function("() => document.documentElement.classList.contains('scripted')")
    page.keyboard.press("/")
    page.keyboard.type(BY_DEPARTMENT)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask?*")
    answered(page, "svg.chart")
    page.wait_for_selector("html.scripted")
    page.locator(".chip.is-by summary").focus()
    island(page, "ask")
    page.keyboard.press("Space")
    page.locator(".chip.is-by .menu").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.chip').className") == "chip is-by"
    assert not page.locator(".chip.is-by .menu").is_visible()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("w")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**by=week**")
    page.wait_for_function("() => document.activeElement.closest('.chip')?.className === 'chip is-by'")


def test_back_and_forward_show_the_answers_again(seawall, new_page):
    """Changes in place are steps of the history."""
    page = new_page()
    page.goto(seawall.url + PARTS)
    page.locator(".chip.is-period a.x").click()
    page.wait_for_url(lambda url: "period" not in url)
    page.wait_for_function(LANDED)
    page.go_back()
    page.wait_for_url("**period=2017-03")
    page.locator(".chip.is-period").wait_for()
    page.go_forward()
    page.wait_for_function("() => !document.querySelector('.chip.is-period')")


def test_what_is_not_understood_is_refused_with_a_way_on(seawall, new_page):
    """The words without a meaning are marked, and a link leads to an answer."""
    page = new_page()
    page.goto(seawall.url + "/merchandising/ask?q=florbification+of+the+wibble")
    page.locator(".refused").wait_for()
    assert page.locator("mark.unknown").count() > 0
    page.locator(".offers a").first.click()
    page.locator("section.panel .panel-body").wait_for()


def test_an_opinion_and_a_kept_answer(seawall, new_page):
    """A thumb with a comment is thanked for; the answer is put on a page of one's own, moved, renamed, taken off."""
    page = new_page(attributes={"user": "keeper"})
    page.goto(seawall.url + ASKED)
    page.locator(".verdict summary").click()
    page.get_by_label("Add a comment").fill("just so")
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("Thank you").wait_for()
    page.get_by_label("Title").fill("March by department")
    page.get_by_role("button", name="Add to my page").click()
    page.get_by_text("Added.").wait_for()
    page.goto(seawall.url + PARTS.replace("products.department", "week"))
    page.get_by_role("button", name="Add to my page").click()
    page.goto(seawall.url + "/merchandising/demand")
    page.get_by_role("link", name="My page").click()
    page.wait_for_function(LANDED)
    assert page.locator("h2").first.inner_text() == "March by department"
    page.locator(".change summary").first.click()
    page.get_by_role("button", name=re.compile("Move down")).first.click()
    page.wait_for_function(LANDED)
    assert page.locator("h2").nth(1).inner_text() == "March by department"
    for _ in range(2):
        page.locator(".change summary").first.click()
        page.get_by_role("button", name=re.compile("Take off")).first.click()
    page.get_by_text("You keep no answers yet").wait_for()
    assert page.get_by_role("link", name="My page").count() == 0


def test_in_german(seawall, new_page):
    """Asked and answered; the choice of language stays."""
    page = new_page(locale="de-DE")
    page.goto(seawall.url + f"/merchandising/ask?q={quote('Nettoumsatz nach Woche')}")
    page.locator("section.panel svg.chart").wait_for()
    assert chips(page) == ["Nettoumsatz", "je Woche"]
    assert page.get_by_label("Und").count() == 1


def test_a_browser_with_neither_script_nor_templates(seawall, new_page):
    """It goes on to the page in order."""
    page = new_page(flags=NO_PATCHING, java_script_enabled=False, user_agent=FIREFOX)
    page.goto(seawall.url + ASKED)
    page.wait_for_url("**inorder=1**")
    answered(page, "svg.chart")
    assert "GROCERY" in page.locator("section.panel").inner_text()


@pytest.mark.parametrize("path", [ASKED, "/merchandising/ask", "/merchandising/ask?q=florbs", ODD, "/merchandising/mine"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_no_violation(seawall, new_page, path, scheme, width):
    """axe-core, with the menus open; and nothing scrolls sideways."""
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True, attributes={"user": "axe"})
    page.goto(seawall.url + path)
    page.wait_for_function("() => !document.querySelector('.skeleton')")
    if path == ASKED:
        page.locator(".chip.add summary").click()
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_breaks_the_content_security_policy(seawall, new_page):
    """Nor is anything wrong in the console while parts are changed in place."""
    page = new_page()
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(seawall.url + ASKED)
    page.wait_for_function(LANDED)
    page.locator(".chip.is-period a.x").click()
    page.wait_for_url(lambda url: "period" not in url)
    page.wait_for_function(LANDED)
    assert said == []


def test_rights_hold_for_questions(seawall, new_page):
    """A buyer of one store group has other numbers; what their role may not see is no choice and no answer."""
    with httpx.Client(base_url=seawall.url, timeout=30) as client:
        totals = {}
        for store_groups in (("East",), ("East", "West")):
            headers = seawall.headers("viewer", store_groups=store_groups) | {"accept": "application/json", "seawall-timeout-ms": "20000"}
            answer = client.get("/merchandising/api/ask?metric=net_sales", headers=headers)
            totals[store_groups] = answer.json()["rows"][0]["net_sales"]
    assert totals["East",] < totals["East", "West"]


def test_the_answer_of_a_program_leads_to_the_page(seawall, new_page):
    """`url` shows what was told."""
    with httpx.Client(base_url=seawall.url, headers=seawall.headers() | {"accept": "application/json"}, timeout=30) as client:
        told = client.post("/merchandising/api/ask", json={"question": BY_DEPARTMENT}).json()
    page = new_page()
    page.goto(seawall.url + told["url"])
    page.wait_for_function(LANDED)
    assert chips(page) == ["Net sales", "by Department", "March 2017"]
    assert query_of(page)["metric"] == ["net_sales"]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("text", ["units by department in {}", "units by week and store group in {}", "baskets in {}"])
def test_the_layout_holds_still(seawall, new_page, width, text):
    """An answer that nobody asked for yet is streamed: what stands does not move when it lands."""
    page = new_page(viewport={"width": width, "height": 900})
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => {"
        " for (const one of list.getEntries()) if (!one.hadRecentInput) shift += one.value; })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    month = {1440: "april 2017", 390: "may 2017"}[width]
    page.goto(f"{seawall.url}/merchandising/ask?q={quote(text.format(month))}")
    page.wait_for_function(LANDED)
    page.wait_for_timeout(300)
    assert page.evaluate("() => window.shift") < 0.05


@pytest.mark.parametrize("script", [True, False])
def test_a_period_is_written_in_words(seawall, new_page, script):
    """As one says it, in any language of ours; what is no period is said at its field and leaves the answer. Script or not."""
    page = new_page(java_script_enabled=script)
    page.goto(seawall.url + PARTS)
    for words, address in (
        ("letzte 4 Wochen", "**period=last_4_weeks"),
        ("April 2017", "**period=2017-04"),
        ("soonish", "**at=c-period-0"),
    ):
        page.locator(".chip.is-period summary").click()
        page.locator(".chip.is-period input[name=period]").fill(words)
        with changed(page):
            page.locator(".chip.is-period .menu button").click()
        page.wait_for_url(address)
        page.locator("#d-period").wait_for(state="attached")
    page.get_by_text("“soonish” was not understood").wait_for()
    assert chips(page)[2] == "April 2017"
    assert page.locator(".chip.is-period input[name=period]").input_value() == "soonish"
    assert query_of(page)["period"] == ["2017-04"]
    assert page.locator("section.panel").count() == 1


def test_a_comparison_shows_every_metric(seawall, new_page):
    """Each with its value before and its change, in a table."""
    page = new_page()
    page.goto(
        seawall.url + f"/merchandising/ask?q={quote('net sales and units by department in november 2017 compared with the month before')}"
    )
    page.locator("section.panel table").wait_for()
    heads = page.locator("section.panel th").all_inner_texts()
    assert heads[1:] == ["Net sales", "Net sales before", "Net sales change", "Units", "Units before", "Units change"]


def test_a_week_in_which_the_data_begins_is_left_out_of_the_line(seawall, new_page):
    """One day is no week; a note says so, and the table has it."""
    page = new_page()
    page.goto(seawall.url + "/merchandising/ask?metric=net_sales&by=week")
    page.wait_for_function(LANDED)
    assert "Without the week of Dec 26, 2016" in page.locator("section.panel .note").inner_text()
    assert "53 rows" in page.locator("details.data").inner_text()


def test_a_time_within_which_the_data_begins_is_compared_with_no_change(seawall, new_page):
    """One day of eight weeks is no year before: it stands there, with a sentence in place of 6,000 per cent."""
    page = new_page()
    page.goto(seawall.url + f"/merchandising/ask?q={quote('net sales by department in the last 8 weeks compared with the year before')}")
    answered(page, "tbody tr")
    panel = page.locator("section.panel")
    assert "only from Jan 1, 2017 on" in panel.inner_text()
    before, change = panel.locator("tbody tr").first.locator("td").all_inner_texts()[-2:]
    assert (before[0], change[0]) == ("$", "—")


def test_only_words_that_nobody_knows_are_marked(seawall, new_page):
    """Not the verb beside them."""
    page = new_page()
    page.goto(seawall.url + f"/merchandising/ask?q={quote('how many florbs did we sell in march')}")
    page.locator(".refused").wait_for()
    assert page.locator("mark.unknown").all_inner_texts() == ["florbs"]
