"""Filter values that do not fit, and changes that only the ear notices, in a real browser."""

from urllib.parse import parse_qs, urlsplit

from tests.acceptance import visits
from tests.acceptance.visits import IDLE, answered, island, row_opened, table_at_hand


def opened(seawall, page, query=""):
    return visits.opened(seawall, page, f"transactions{query}")


def test_a_value_that_does_not_fit_is_told_where_it_was_typed(seawall, new_page):
    """The summary is an alert that leads to the control; the control says what is wrong; a good value takes all of it away."""
    page = opened(seawall, new_page())
    page.fill("#f-amount", "20..5")
    page.wait_for_selector(".error-summary[role=alert] a[href='#f-amount']")
    amount = page.locator("#f-amount")
    assert amount.get_attribute("aria-invalid") == "true"
    assert amount.get_attribute("aria-describedby") == "e-amount t-amount"
    assert page.locator("#e-amount").inner_text() in page.locator(".error-summary").inner_text()
    page.fill("#f-amount", "5..20")
    page.wait_for_function("() => !document.querySelector('.error-summary')")
    assert amount.get_attribute("aria-invalid") is None
    assert amount.get_attribute("aria-describedby") == "t-amount"
    assert page.locator("#e-amount, .field.wrong").count() == 0


def test_a_bad_value_reads_the_same_with_and_without_a_page_load(seawall, new_page):
    """What the script puts in place is what the server draws."""
    page = opened(seawall, new_page())
    page.fill("#f-amount", "much")
    page.wait_for_selector(".error-summary")
    state = "() => [document.querySelector('.error-summary').outerHTML, document.querySelector('#f-amount').closest('.field').innerHTML]"
    typed = page.evaluate(state)
    loaded = opened(seawall, new_page(), "?amount=much").evaluate(state)
    assert typed[0] == loaded[0]
    for html in (typed[1], loaded[1]):
        assert 'aria-describedby="e-amount t-amount"' in html
        assert '<p class="error" id="e-amount">' in html


def test_a_page_that_came_with_a_bad_value_is_mended_by_a_good_one(seawall, new_page):
    """The script takes away what the server had drawn; back brings it again."""
    page = opened(seawall, new_page(), "?amount=much")
    page.fill("#f-amount", "5")
    page.wait_for_function("() => !document.querySelector('.error-summary, [aria-invalid], .field.wrong')")
    page.go_back()
    page.wait_for_selector("#f-amount[aria-invalid=true]")


def test_an_update_is_announced_in_the_readers_language(seawall, new_page):
    """The status says how many panels are new, each time."""
    page = opened(seawall, new_page(), "?lang=de")
    for value in ("5..20", "6..20"):
        page.evaluate("() => { document.getElementById('status').textContent = '' }")
        page.fill("#f-amount", value)
        page.wait_for_function("() => document.getElementById('status').textContent === 'Aktualisiert: 1 Feld'")


def test_what_is_measured_names_the_pages_trace_and_the_filter(seawall, new_page):
    """A beacon can be joined with the server's spans, and tells how long a change of which filter took."""
    page = new_page()
    sent = []
    page.on("request", lambda request: sent.append(request.post_data_json) if request.url.endswith("/api/vitals") else None)
    answer = page.goto(f"{seawall.url}/merchandising/transactions")
    page.wait_for_function(IDLE)
    island(page, "vitals")
    page.fill("#f-amount", "7..20")
    page.wait_for_function("() => document.getElementById('status').textContent !== ''")
    with page.expect_request("**/api/vitals"):
        page.evaluate("() => { dispatchEvent(new Event('pagehide')) }")
    assert answer.headers["server-timing"].split("-")[1] == sent[-1]["trace_id"]
    (changed,) = [action for action in sent[-1]["actions"] if action["name"] == "filter.amount"]
    assert changed["ms"] > 0


def test_what_was_chosen_before_the_script_came_counts(seawall, new_page):
    """On a slow line the bar is there before the script, which takes its button away: a box that was ticked meanwhile is a choice."""
    page = visits.opened(seawall, new_page())
    held = []
    page.route("**/build/seawall.*.js", lambda route: held.append(route))
    with page.expect_request("**/build/seawall.*.js"):
        page.goto(f"{seawall.url}/merchandising/demand", wait_until="domcontentloaded")
    page.locator("#f-store_group summary").click()
    page.locator("#filters input[value=West]").check()
    page.locator("#f-period").select_option("last_4_weeks")
    held[0].continue_()
    page.wait_for_function("() => document.getElementById('status').textContent !== ''")
    assert "store_group=West" in page.url
    assert "period=last_4_weeks" in page.url
    page.go_back()
    page.wait_for_function("() => !document.querySelector('#filters input:checked') && !location.search")


def test_what_a_browser_fills_in_on_the_way_back_is_no_choice(seawall, new_page):
    """Two entries back, from another page: the address is what is shown, and the way forward stays."""
    page = visits.opened(seawall, new_page())
    page.locator("#f-store_group summary").click()
    page.locator("#filters input[value=West]").check()
    page.wait_for_url("**/demand?store_group=West")
    opened(seawall, page)
    entries = page.evaluate("history.length")
    with page.expect_navigation(url="**/demand"):
        page.evaluate("history.go(-2)")
    page.wait_for_function("() => document.documentElement.classList.contains('scripted')")
    page.wait_for_function("() => !document.querySelector('#filters input:checked')")
    assert page.url == f"{seawall.url}/merchandising/demand"
    assert page.evaluate("history.length") == entries


TOUCHED = "section.panel[data-filters~=store_group]"


def panels_of(request):
    return set(parse_qs(urlsplit(request.url).query)["panels"][0].split(","))


def test_panels_that_come_after_a_choice_are_asked_for_under_it(seawall, new_page):
    """On a slow line the rest of a page is still coming when the script is there: it was made before the choice."""
    page = visits.opened(seawall, new_page())
    held = []

    def slow(route):
        answer = route.fetch()
        before = '<section class="panel'
        parts = answer.text().split(before)
        begun, rest = before.join(parts[:6]), before.join(["", *parts[6:]])
        route.fulfill(response=answer, body=f'{begun}<script src="/static/build/held.js"></script>{rest}')

    page.route("**/merchandising/demand?inorder=1", slow)
    page.route("**/build/held.js", lambda route: held.append(route))
    page.goto(f"{seawall.url}/merchandising/demand?inorder=1", wait_until="commit")
    page.wait_for_function("() => document.documentElement.classList.contains('scripted')")
    page.locator("#f-store_group summary").click()
    with page.expect_request(lambda request: "panels=" in request.url) as early:
        page.locator("#filters input[value=West]").check()
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    with page.expect_request(lambda request: "panels=" in request.url) as late:
        held[0].fulfill(body="", content_type="text/javascript")
    page.wait_for_load_state()
    touched = page.eval_on_selector_all(TOUCHED, "them => them.map((one) => one.dataset.panel)")
    assert panels_of(late.value) >= set(touched) - panels_of(early.value) > set()
    assert parse_qs(urlsplit(late.value.url).query)["store_group"] == ["West"]


FOCUSED = "() => document.activeElement.closest('[id]').id"


def test_leaving_an_open_list_with_the_keyboard_closes_it(seawall, new_page):
    """What has the focus is never under a list of choices that was left behind."""
    page = opened(seawall, new_page())
    page.locator("#f-promotion summary").press("Enter")
    page.locator("#f-promotion input").last.focus()
    page.keyboard.press("Tab")
    assert page.locator("details.multi[open]").count() == 0
    assert page.evaluate(FOCUSED) == "f-amount"


def test_clearing_the_filters_keeps_the_focus_among_them(seawall, new_page):
    """The link goes away with what it cleared; who pressed it goes on at the first filter."""
    page = opened(seawall, new_page(), "?amount=5..20")
    page.locator("[data-clear]").press("Enter")
    page.wait_for_function(IDLE)
    assert page.evaluate(FOCUSED) == "f-period"


def test_the_way_out_of_an_empty_panel_keeps_the_language(seawall, new_page):
    """With script and without, clearing the filters in German stays German."""
    for script in (True, False):
        page = new_page(java_script_enabled=script)
        visits.opened(seawall, page, "transactions?lang=de&product=there-is-none", scripted=script)
        page.locator("#panel-rows .empty a").click()
        answered(page, "tbody tr")
        assert "lang=de" in page.url
        assert page.locator("#panel-rows .pager a").inner_text() == "Nächste Seite"


def test_an_open_table_stays_open(seawall, new_page):
    """Who reads a chart's numbers goes on reading them when a filter changes, without opening them again."""
    page = new_page()
    for path in ("demand?store_group=West", "demand"):
        visits.opened(seawall, page, path)
        table_at_hand(page, "#panel-sales")
    page.locator("#panel-sales details.data summary").press("Enter")
    before = page.locator("#panel-sales tbody tr").first.inner_text()
    page.locator("#f-store_group summary").click()
    page.locator("#filters input[value=West]").check()
    page.wait_for_function(
        "before => ![undefined, before].includes(document.querySelector('#panel-sales tbody tr')?.innerText)", arg=before
    )


def test_closing_a_row_leads_back_to_it_after_the_skip_link(seawall, new_page):
    """Who skipped to the content, opened a row and closed it goes on where they were."""
    page = opened(seawall, new_page())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")
    row_opened(page, lambda: page.locator("a.rl").nth(4).press("Enter"))
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement === document.querySelectorAll('a.rl')[4]")
