"""Chips: forms that hold the whole question, so that sending one unchanged changes nothing."""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ui_server.sample import sample_app

from seawall.app.model import Filter, Order
from seawall.ask.question import Question, by_field, by_time, during
from seawall.ask.said_period import compared_said, period_said
from seawall.ask.spans import Span
from seawall.core.principal import Principal
from seawall.query.policy import Access, EffectivePolicy, resolve, unrestricted
from seawall.ui.ask.asked import is_in_parts, joined, mended, question_of, with_condition
from seawall.ui.ask.vocabulary import Offered
from seawall.ui.ask.worded import Odd, worded
from seawall.ui.params import Values
from seawall.ui.render.ask import Heard, heading
from seawall.ui.render.chip_editor import Editor
from seawall.ui.render.chip_lists import period_suggestions, suggestions
from seawall.ui.render.chips import chip_list
from seawall.ui.render.context import RenderContext

APP = sample_app()
ALL = unrestricted(APP)
AS_OF = date(2018, 1, 1)
VIEWER = resolve(APP, Principal("ann", roles=("viewer",), attributes={"stores": ("S1",)}))
TEXTS = st.text("aB'\"<>&=, ü)(", min_size=1, max_size=8).map(str.strip).filter(bool)
CONDITIONS = st.one_of(
    st.builds(lambda value: Filter("transactions.department", "eq", (value,)), TEXTS),
    st.builds(
        lambda values: Filter("transactions.department", "not_in", tuple(values)), st.lists(TEXTS, min_size=2, max_size=3, unique=True)
    ),
    st.builds(lambda value: Filter("transactions.amount", "ge", (float(value),)), st.integers(0, 99)),
    st.builds(lambda value: Filter("transactions.store", "contains", (value,)), TEXTS),
    st.just(Filter("transactions.store", "is_null")),
    st.builds(during, st.sampled_from(["2017-03", "last_4_weeks", "2017-01-01..2017-02-03"])),
    st.builds(during, st.sampled_from(["this_month", "2017-06-01.."]), st.just("transactions.sold_at")),
)
QUESTIONS = st.builds(
    lambda metrics, by, where, limit, descending, show: Question(
        metrics=tuple(metrics), by=tuple(by), where=tuple(where), order=(Order(metrics[0], descending),), limit=limit, show=show
    ),
    st.lists(st.sampled_from(["sales", "units"]), min_size=1, max_size=2, unique=True),
    st.lists(
        st.sampled_from([by_time("week"), by_field("transactions.department"), by_field("transactions.store")]), max_size=2, unique=True
    ),
    st.lists(CONDITIONS, max_size=3),
    st.none() | st.integers(1, 50),
    st.booleans(),
    st.sampled_from(["auto", "table", "bar"]),
)


class Forms(HTMLParser):
    """What each form would send as it stands, and the addresses of links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: list[Values] = []
        self.links: list[str] = []
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.sent.append({})
        elif tag == "input":
            self.sent[-1].setdefault(given["name"], []).append(given["value"])
        elif tag == "select":
            self._select, self._options = given["name"], []
        elif tag == "option" and self._select:
            self._options.append((given["value"], "selected" in given))
        elif tag == "a":
            self.links.append(given["href"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            chosen = next((value for value, selected in self._options if selected), self._options[0][0])
            self.sent[-1].setdefault(self._select, []).append(chosen)
            self._select = ""


def editor(question: Question, policy: object = ALL, locale: str = "en", odd: Odd | None = None) -> Editor:
    return Editor(question, Offered(APP, policy), RenderContext("shop", "ask", locale, AS_OF, {}, 0.0), odd=odd)  # type: ignore[arg-type]


def said(values: Values) -> Question:
    """What the page makes of what a form sent."""
    short = worded(values, lambda text: period_said(text, "de", AS_OF), lambda text: compared_said(text, "de", AS_OF))
    values = short.values if short else values
    rest, made = joined(APP, ALL, values) if is_in_parts(values) else (values, None)
    question = question_of(APP, ALL, rest)
    return question if made is None else with_condition(question, made, values)


@given(QUESTIONS, st.sampled_from(["en", "de"]))
def test_a_chips_form_sent_unchanged_says_the_same(question: Question, locale: str) -> None:
    """Whatever values hold: quotes, commas, brackets, markup."""
    html = chip_list(editor(question, locale=locale)).partition('<li class="chip add">')[0]
    for values in Forms(html).sent:
        sent = said(values)
        assert sent.canonical() == mended(question).canonical()
        assert [one.field for one in sent.where if one.field] == [one.field for one in question.where if one.field]


@given(TEXTS)
def test_nothing_in_a_chip_is_markup(value: str) -> None:
    """What people wrote stands in attributes and texts, escaped: it adds no element."""
    plain, odd = (chip_list(editor(Question(("sales",), where=(Filter("transactions.store", "eq", (one,)),)))) for one in ("x", value))
    assert odd.count("<") == plain.count("<")
    assert odd.count('"') == plain.count('"')


@pytest.mark.parametrize("policy", [ALL, VIEWER])
def test_choices_are_what_the_policy_shows(policy: object) -> None:
    """A metric over a dataset one may not read is no choice, nor are its fields."""
    html = chip_list(editor(Question(("sales",)), policy))
    assert ('value="hidden"' in html) is (policy is ALL)
    assert 'value="transactions.department"' in html
    assert 'value="transactions.id"' not in html, "a key tells no groups apart"


def test_the_menu_adds_to_the_end() -> None:
    """Another metric, field or condition stands after those there are."""
    added = Forms(chip_list(editor(Question(("sales",), by=(by_time("week"),)))).partition('<li class="chip add">')[2]).sent
    assert added[0]["metric"] == ["sales", "sales"]
    assert added[1]["by"] == ["week", "day"]
    assert [one for one in added if "wf" in one]


def test_words_are_marked_where_they_stand() -> None:
    """Known ones, unknown ones; what overlaps or lies outside is left."""
    spans = (Span(0, 5, "metric", "sales"), Span(3, 8, "noun", "x"), Span(6, 9, "unknown", "<b>"), Span(90, 99, "metric", "y"))
    html = heading(Heard("sales <b>", spans), editor(Question(("sales",))).ctx)
    assert '<mark class="known">sales</mark> <mark class="unknown" title="Not understood">&lt;b&gt;</mark></h1>' in html


def test_a_period_is_written_in_words() -> None:
    """In its field and among the suggestions, where they can be read again."""
    html = chip_list(editor(Question(("sales",), where=(during("last_4_weeks"),)), locale="de"))
    assert 'name="period" value="letzte 4 Wochen"' in html
    offered = period_suggestions(editor(Question(("sales",)), locale="de").ctx)
    assert '<option value="letzte 13 Wochen">' in offered
    assert '<option value="März 2017">' in offered


@pytest.mark.parametrize(
    ("where", "at"),
    [((during("2017-03"),), "c-period-0"), ((), "n-period"), ((during("2017-03", "transactions.sold_at"),), "c-where-0-v")],
)
def test_what_is_no_period_is_said_at_its_field(where: tuple[Filter, ...], at: str) -> None:
    """The form stands open with what was written, what is wrong and how it may be written; no other one does."""
    html = chip_list(editor(Question(("sales",), where=where), odd=Odd("<b>soon", at)))
    assert html.count('<details name="chip" open>') == 1
    assert f'<p class="error" id="{at}-e" role="alert">“&lt;b&gt;soon” was not understood' in html
    assert 'value="&lt;b&gt;soon"' in html
    assert f'aria-invalid="true" autofocus aria-describedby="{at}-e {at}-h"' in html


def test_suggestions_are_escaped() -> None:
    """Values of the data are text."""
    assert suggestions("a.b", ['"><script>', None]) == '<datalist id="d-a-b"><option value="&#34;&gt;&lt;script&gt;"></datalist>'


@pytest.mark.parametrize("compare", ["previous", "year_ago", "2017-04"])
@pytest.mark.parametrize("locale", ["en", "de"])
def test_what_it_is_compared_with_is_written_in_words(compare: str, locale: str) -> None:
    """Sent unchanged it says the same; what is not understood is said at its field, and the comparison stays."""
    question = Question(("sales",), where=(during("2017-03"),), compare=compare)
    html = chip_list(editor(question, locale=locale)).partition('<li class="chip add">')[0]
    assert [said(values) for values in Forms(html).sent] == [question] * 3
    odd = chip_list(editor(question, odd=Odd("soon", "c-compare-0")))
    assert (odd.count('<details name="chip" open>'), 'id="c-compare-0-e" role="alert"' in odd) == (1, True)


def test_every_column_can_be_ordered_by() -> None:
    """Of several metrics that are compared each one's change, of a ratio the ratio; each under its own name."""
    both = Question(("sales", "units"), (by_field("transactions.store"),), (during("2017-03"),), compare="previous")
    html = chip_list(editor(both))
    for name, label in (("change", "largest Sales change first"), ("change_units", "largest Units change first")):
        assert f'<option value="-{name}">{label}</option>' in html
        values = {"metric": ["sales", "units"], "period": ["2017-03"], "compare": ["previous"], "order": [f"-{name}"]}
        ordered = question_of(APP, ALL, values)
        assert ordered.order == (Order(name, descending=True),)
    ratio = Question(("sales", "units"), (by_field("transactions.store"),), ratio=True)
    assert '<option value="-ratio">largest Sales per Units first</option>' in chip_list(editor(ratio))


def test_a_metric_of_what_is_masked_is_no_choice() -> None:
    """It would show nothing: the words that the parser knows leave it out as well."""
    names = [one.name for one in Offered(APP, EffectivePolicy({"transactions": Access(masked=("amount",))})).metrics]
    assert names == ["units"]
