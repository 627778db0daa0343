"""Filter values that do not fit, and changes that only the ear notices, in a real browser."""

IDLE = "() => !document.querySelector('[aria-busy=true], .skeleton')"


def opened(seawall, page, query=""):
    page.goto(f"{seawall.url}/merchandising/transactions{query}")
    page.wait_for_function(IDLE)
    return page


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
    with page.expect_response(lambda answer: "/build/vitals." in answer.url):
        answer = page.goto(f"{seawall.url}/merchandising/transactions")
    page.wait_for_function(IDLE)
    page.fill("#f-amount", "7..20")
    page.wait_for_function("() => document.getElementById('status').textContent !== ''")
    page.wait_for_timeout(200)
    page.evaluate("() => { dispatchEvent(new Event('pagehide')) }")
    page.wait_for_timeout(200)
    assert answer.headers["server-timing"].split("-")[1] == sent[-1]["trace_id"]
    (changed,) = [action for action in sent[-1]["actions"] if action["name"] == "filter.amount"]
    assert changed["ms"] > 0
