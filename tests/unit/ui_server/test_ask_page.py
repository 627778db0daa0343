"""The page that answers questions in words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from tests.unit.ui_server.asking import SALES, AskingHouse
from tests.unit.ui_server.sample import House

from seawall.app.model import Order, Scalar
from seawall.ask.question import by_time
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.service import QueryService
from seawall.ui.ask import page

CHROMIUM = {"user-agent": "Chrome/156.0"}
BY_DEPARTMENT = "/shop/ask?metric=sales&by=transactions.department"


@pytest.fixture
async def asking() -> AsyncIterator[AskingHouse]:
    made = AskingHouse()
    yield made
    await made.ladder.close()


def inside(html: str) -> str:
    return html.partition("<main")[2]


async def test_a_text_becomes_chips_and_an_answer(asking: AskingHouse) -> None:
    """The sentence, who understood it, and the panel with its links to the same rows as files."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get("/shop/ask?q=sales by department")
    html = inside(answer.text)
    assert answer.status_code == 200
    assert '<mark class="known">sales</mark>' in html
    assert ">Sales</span>" in html
    assert ">by department</span>" in html
    assert "93%" in html
    assert "GROCERY" in html
    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html
    assert re.search(r'href="/shop/api/ask\?by=transactions.department&amp;metric=sales&amp;format=csv"', html)


async def test_parameters_are_answered_without_understanding(asking: AskingHouse) -> None:
    """A link, a bookmark, an edited chip: nobody is asked what it means."""
    async with asking.client(headers=CHROMIUM) as client:
        first, second = [await client.get(BY_DEPARTMENT) for _ in range(2)]
    assert asking.cascade.asked == []
    assert "GROCERY" in first.text
    assert "<template" in first.text
    assert "<template" not in second.text, "an answer at hand stands in its place"
    assert asking.engine.calls.count("sales") == 1


async def test_a_follow_up_refines_the_question_in_the_parameters(asking: AskingHouse) -> None:
    """`then` beside them is understood with them before it, and the page says what it follows."""
    asking.cascade.meanings["as a table"] = msgspec.structs.replace(SALES, show="table")
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"{BY_DEPARTMENT}&then=as a table")
    assert asking.cascade.asked[0].before == SALES
    assert '<p class="after">' in answer.text
    assert "<table" in answer.text


async def test_a_refusal_says_why_and_what_could_be_asked(asking: AskingHouse) -> None:
    """Not an error: a page with the words that were not understood underlined, and questions that have an answer."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get("/shop/ask?q=florbs please")
    html = inside(answer.text)
    assert (answer.status_code, "Not &lt;known&gt;." in html) == (200, True)
    assert '<mark class="unknown" title="Not understood">florbs</mark>' in html
    assert 'href="/shop/ask?metric=sales&amp;by=week"' in html


@pytest.mark.parametrize(
    "query", ["metric=hidden", "metric=nothing", "metric=sales&by=secrets.id", "metric=sales&limit=x", "metric=sales&by=florb"]
)
async def test_parameters_that_say_nothing_are_refused_on_the_page(asking: AskingHouse, query: str) -> None:
    """In words, with examples; what one may not see is worded like what there is not."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"/shop/ask?{query}")
    assert answer.status_code == 200
    assert '<div class="refused" role="status">' in answer.text
    assert re.search(r'<ul class="offers"><li><a href="/shop/ask\?metric=', answer.text)
    assert "Hidden" not in answer.text


async def test_hidden_names_are_no_choice(asking: AskingHouse) -> None:
    """What the policy hides stands in no form; a role that may see it finds it there."""
    async with asking.client(headers=CHROMIUM) as client, asking.client("boss", headers=CHROMIUM) as boss:
        plain, full = [(await one.get(BY_DEPARTMENT)).text for one in (client, boss)]
    assert 'value="hidden"' not in plain
    assert 'value="hidden"' in full


async def test_a_condition_in_parts_becomes_an_address(asking: AskingHouse) -> None:
    """A form without script sends field, operator and values apart; other letters find the value that the data has."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"{BY_DEPARTMENT}&wf=transactions.department&wo=eq&wv=grocery&wv=&wv=DRUG GM")
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["where"] == ["transactions.department in ('GROCERY', 'DRUG GM')"]


async def test_a_value_is_found_in_any_letters_by_a_slow_database(asking: AskingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed is not filtered by as it stands because suggestions would have come too late."""
    quick = QueryService.options

    async def slow(*asked: Any, deadline: Deadline, **more: Any) -> list[Scalar]:
        if deadline.remaining() < 0.5:
            raise DeadlineExceeded
        return await quick(*asked, deadline=deadline, **more)

    monkeypatch.setattr(QueryService, "options", slow)
    async with asking.client() as client:
        answer = await client.get(f"{BY_DEPARTMENT}&wf=transactions.department&wo=eq&wv=grocery")
    assert "GROCERY" in answer.headers["location"]


async def test_emptying_a_condition_takes_it_away(asking: AskingHouse) -> None:
    """Nothing to be equal to is no condition."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"{BY_DEPARTMENT}&wf=transactions.department&wo=eq&wv=")
    assert "where" not in parse_qs(urlsplit(answer.headers["location"]).query)


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("period=March 2017&was=2017-04&at=c-period-0", ["2017-03"]),
        ("period=letzte 4 Wochen&was=&at=n-period&lang=de", ["last_4_weeks"]),
        ("period=since June", ["2017-06-01.."]),
        ("period=all time&was=2017-04&at=c-period-0", None),
        ("period=&was=2017-04&at=c-period-0", None),
    ],
)
async def test_a_period_in_words_becomes_an_address(asking: AskingHouse, query: str, period: list[str] | None) -> None:
    """From a form or written by hand; the address holds the short form, and nothing of the form."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"{BY_DEPARTMENT}&{query}")
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (answer.status_code, found.get("period"), found["metric"]) == (302, period, ["sales"])
    assert not {"was", "at", "odd"} & set(found)


@pytest.mark.parametrize(("was", "at"), [("2017-04", "c-period-0"), ("", "n-period")])
async def test_what_is_no_period_leaves_the_answer_and_says_so(asking: AskingHouse, was: str, at: str) -> None:
    """The period that was there stays, and the field says what is wrong, without script too."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"{BY_DEPARTMENT}&period=soon&was={was}&at={at}")
        found = parse_qs(urlsplit(answer.headers["location"]).query)
        html = (await client.get(answer.headers["location"])).text
    assert (found.get("period"), found["odd"], found["at"]) == ([was] if was else None, ["soon"], [at])
    assert f'id="{at}-e" role="alert">“soon” was not understood' in html
    assert "GROCERY" in html


async def test_an_address_with_what_is_no_period_is_refused(asking: AskingHouse) -> None:
    """Nobody's form sent it: there is no answer to leave as it was."""
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get(f"{BY_DEPARTMENT}&period=soon")).text
    assert "refused" in inside(html)


async def test_a_time_field_takes_words(asking: AskingHouse) -> None:
    """A condition on another time than the usual one; what is not understood leaves it as it was."""
    parts = "wf=transactions.sold_at&wo=during&wp=0&was=2017-04&at=c-where-0-v"
    async with asking.client(headers=CHROMIUM) as client:
        known, odd = [await client.get(f"{BY_DEPARTMENT}&{parts}&wv={text}") for text in ("last 2 weeks", "soon")]
    first, second = [parse_qs(urlsplit(one.headers["location"]).query) for one in (known, odd)]
    assert (first["where"], "odd" in first) == (["transactions.sold_at during 'last_2_weeks'"], False)
    assert (second["where"], second["odd"], second["at"]) == (["transactions.sold_at during '2017-04'"], ["soon"], ["c-where-0-v"])


async def test_crosses_leave_the_rest(asking: AskingHouse) -> None:
    """Each part can be taken away; the last one that makes it a question cannot."""
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get(BY_DEPARTMENT)).text
        alone = (await client.get("/shop/ask?metric=sales")).text
    assert 'class="x" href="/shop/ask?metric=sales"' in html
    assert 'class="x"' not in alone


async def test_slow_understanding_is_announced_and_then_put_in_place(asking: AskingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The banner and the question first; the sentence comes as a template."""
    monkeypatch.setattr(page, "MOMENT_SECONDS", 0.01)
    asking.cascade.delay_seconds = 0.1
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get("/shop/ask?q=sales by department")).text
    assert html.index("Working out") < html.index('<template for="understood">') < html.index("93%")


async def test_in_order_nothing_waits_for_a_template(asking: AskingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """For browsers with neither script nor templates, which the other form sends here."""
    monkeypatch.setattr(page, "MOMENT_SECONDS", 0.01)
    asking.cascade.delay_seconds = 0.1
    async with asking.client() as client:
        first = (await client.get("/shop/ask?q=sales by department")).text
        plain = (await client.get("/shop/ask?q=sales by department&inorder=1")).text
    assert 'url=/shop/ask?q=sales+by+department&amp;inorder=1"' in first
    assert "<template" not in plain
    assert "GROCERY" in plain


async def test_words_still_being_learnt_are_said_so(asking: AskingHouse) -> None:
    """Not an error page; nobody is asked whether that was right."""
    asking.cascade.fault = DeadlineExceeded()
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get("/shop/ask?q=sales by department")).text
    assert "still being learnt" in html
    assert "Try again" in html
    assert "verdict" not in inside(html)


async def test_a_database_that_is_away_is_explained_in_the_panel(asking: AskingHouse) -> None:
    """The sentence stands; the panel says what is wrong and how to try again."""
    asking.engine.faults["sales"] = ConnectionError("no")
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get(BY_DEPARTMENT)).text
        again = (await client.get("/shop/api/pages/ask/fragments?metric=sales&by=transactions.department&panels=a1")).text
    assert 'class="failed' in html
    assert "data-retry" in html
    assert again.startswith("<template for=")
    assert '<template for="status">' in again


async def test_it_speaks_german(asking: AskingHouse) -> None:
    """Labels, chips and forms; the choice of language goes along."""
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get(f"{BY_DEPARTMENT}&lang=de")).text
    assert "Umsatz" in html
    assert "Hinzufügen" in html
    assert 'name="lang" value="de"' in html


async def test_every_page_has_the_box_and_stays_cacheable(asking: AskingHouse) -> None:
    """The same bytes for everybody with equal rights, with an ETag; and no box where nothing can be asked."""
    async with asking.client(headers=CHROMIUM) as client:
        await client.get("/shop/demand")
        page = await client.get("/shop/demand")
        again = await client.get("/shop/demand", headers={"if-none-match": page.headers["etag"]})
    assert '<form class="ask" role="search"' in page.text
    assert again.status_code == 304


async def test_without_a_cascade_there_is_nothing_to_ask(house: House) -> None:
    """No box, no page."""
    async with house.client(headers=CHROMIUM) as client:
        assert (await client.get("/shop/ask?q=x")).status_code == 404
        assert 'class="ask"' not in (await client.get("/shop/demand")).text


async def test_the_start_offers_what_can_be_measured(asking: AskingHouse) -> None:
    """Without a question: examples and the metrics one may see."""
    async with asking.client(headers=CHROMIUM) as client:
        html = inside((await client.get("/shop/ask")).text)
    assert 'href="/shop/ask?metric=units"' in html
    assert "metric=hidden" not in html


async def test_an_order_by_what_is_gone_is_by_the_metric(asking: AskingHouse) -> None:
    """Changing the metric in a chip leaves the rest sound."""
    asking.cascade.meanings["x"] = msgspec.structs.replace(SALES, by=(by_time("week"),), order=(Order("sales"),))
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get("/shop/ask?metric=sales&by=transactions.department&order=-units&last=4")).text
    assert "largest Sales first" in html
    assert "refused" not in inside(html)


@pytest.mark.parametrize(
    ("query", "compare"),
    [
        ("compare=the month before&was=2017-04&at=c-compare-0", ["previous"]),
        ("compare=Vorjahr&was=previous&at=c-compare-0&lang=de", ["year_ago"]),
        ("compare=May 2017&was=&at=n-compare", ["2017-05"]),
        ("compare=against April 2017", ["2017-04"]),
        ("compare=&was=previous&at=c-compare-0", None),
    ],
)
async def test_what_it_is_compared_with_is_written_in_words(asking: AskingHouse, query: str, compare: list[str] | None) -> None:
    """From its chip or by hand; the period beside it stays."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"{BY_DEPARTMENT}&period=2017-03&{query}")
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (answer.status_code, found.get("compare"), found["period"]) == (302, compare, ["2017-03"])
    assert not {"was", "at", "odd"} & set(found)


async def test_what_nothing_can_be_compared_with_leaves_the_answer_and_says_so(asking: AskingHouse) -> None:
    """What it was compared with stays."""
    async with asking.client(headers=CHROMIUM) as client:
        answer = await client.get(f"{BY_DEPARTMENT}&period=2017-03&compare=soon&was=previous&at=c-compare-0")
        html = (await client.get(answer.headers["location"])).text
    assert parse_qs(urlsplit(answer.headers["location"]).query)["compare"] == ["previous"]
    assert 'id="c-compare-0-e" role="alert">“soon” was not understood' in html


async def test_two_times_stand_beside_each_other_under_their_names(asking: AskingHouse) -> None:
    """A number of March and one of April, as the reader says these months."""
    async with asking.client(headers=CHROMIUM) as client:
        pages = [(await client.get(f"/shop/ask?metric=sales&period=2017-03&compare=2017-04&lang={lang}")).text for lang in ("en", "de")]
        relative = (await client.get("/shop/ask?metric=sales&period=last_4_weeks&compare=2017-04&show=table")).text
    assert [("March 2017" in html, "April 2017" in html) for html in pages] == [(True, True), (False, True)]
    assert "März 2017" in pages[1]
    assert "last 4 weeks" in relative.partition("<table")[2]


async def test_a_time_within_which_the_data_begins_is_compared_with_no_change(asking: AskingHouse) -> None:
    """In each language a sentence says from when on there is data."""
    asking.engine.rows["day"] = [{"day": date(2017, 4, 20)}, {"day": date(2017, 4, 21)}]
    async with asking.client(headers=CHROMIUM) as client:
        pages = [(await client.get(f"{BY_DEPARTMENT}&period=2017-05&compare=2017-04&lang={lang}")).text for lang in ("en", "de")]
    assert "there is data only from Apr 20, 2017 on, so no change is shown" in pages[0]
    assert "gibt es erst ab dem 20. Apr. 2017 Daten, daher" in pages[1]


async def test_taking_the_period_away_takes_what_stood_before_it(asking: AskingHouse) -> None:
    """The cross of its chip leads to an answer, not to a refusal."""
    async with asking.client(headers=CHROMIUM) as client:
        html = (await client.get(f"{BY_DEPARTMENT}&compare=previous&order=-change")).text
    assert "refused" not in inside(html)
    assert "against the period before" not in html
    assert "largest Sales first" in html
