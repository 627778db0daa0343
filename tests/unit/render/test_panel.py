"""Panels, tables, states and filters as HTML."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pyarrow as pa
import pytest
from tests.unit.render.factory import DEPARTMENT, MONDAY, by_name, by_week, column, context, layer, panel

from seawall.app.model import App, Format, Page, PageFilter, Semantics, Text
from seawall.query.periods import Latest, Span
from seawall.ui.charts.data import PanelData
from seawall.ui.render import page as pages
from seawall.ui.render.data_table import data_page
from seawall.ui.render.filters import filter_bar, period_words
from seawall.ui.render.panel import STATE_MARK, panel_fragment
from seawall.ui.render.states import age, explanation, skeleton, state_note
from seawall.ui.render.table import table_close, table_open, table_rows


def fragment(data, shown, ctx=None, **more):
    return str(panel_fragment(shown, data, ctx or context(), **more))


def test_a_fragment_has_head_body_and_foot():
    """Headline, definition, room for the age, chart, data table and downloads."""
    html = fragment(by_week([1.0, 2.0, 3.0]), panel(description=Text({"en": "All stores"})))
    assert '<h2 id="h-sales" dir="auto">Net sales</h2>' in html
    assert html.count(STATE_MARK) == 1
    assert '<summary>Data table <span>3 rows</span></summary><a href="/shop/api/panels/sales?format=html&amp;lang=en" data-table' in html
    assert "/shop/api/panels/sales?format=csv" in html
    assert " style=" not in html


def test_the_numbers_of_a_chart_have_a_page():
    """The same as the tooltips tell, without script; it says its language and leads back to the panel."""
    html = str(data_page(panel(), by_week([1.0, 2.0, 3.0]), context(), css="/seawall.css"))
    assert '<html lang="en">' in html
    assert html.count("<tr>") == 4
    assert '<th scope="row">Jan 2, 2017</th><td class="n">$1.00</td>' in html
    assert "<td" not in fragment(by_week([1.0, 2.0, 3.0]), panel())
    assert '#panel-sales">' in html


def test_the_numbers_of_a_chart_are_those_of_every_period():
    """The table has the weeks too that a line leaves out at its ends, and the panel says how many rows that makes."""
    data, january = by_week([4.0, 10.0, 11.0, 12.0, 3.0]), context(as_of=date(2017, 2, 1), asked=Span(date(2017, 1, 5), None))
    html = fragment(data, panel(), january)
    assert "Without the week of Jan 2, 2017, chosen only in part · Without the week of Jan 30" in html
    assert "Data table <span>5 rows</span>" in html
    assert str(data_page(panel(), data, january, css="/seawall.css")).count('<th scope="row">') == 5


def test_zooming_is_told_what_the_panel_draws():
    """Columns that only a tooltip tells and the periods that are not whole stay out of the plot."""
    data, ended = by_week([10.0, 11.0, 12.0, 1.0]), context(as_of=date(2017, 1, 25))
    change = column("change", format=Format(style="percent"))
    table = data.table.append_column("change", pa.array([0.1, 0.2, 0.3, 0.4]))
    compared = PanelData((*data.columns, change), table)
    line = layer("line", x="week", y="net_sales", tooltip="change")
    html = fragment(compared, panel(metrics=("net_sales", "change"), layers=(line,)), ended)
    assert 'data-zoom="net_sales" data-ends="0 1"' in html


def test_a_finding_is_the_headline_and_the_title_the_definition():
    """The finding leads; what is shown is said below it."""
    html = fragment(by_name([("Grocery", 9.0), ("Deli", 1.0)]), panel("bar", (DEPARTMENT,), finding="top_share"))
    assert ">Grocery carries 90% of net sales</h2>" in html
    assert ">Net sales</p>" in html


def test_a_big_number_is_compared():
    """Value, change against the period before, and the line that led to it."""
    html = fragment(by_week([100.0, 110.0, 121.0]), panel("number", compare="previous"))
    assert ">$121</data>" in html or ">$121.00</data>" in html
    assert "+10.0%" in html
    assert "on the week before" in html
    assert 'class="spark"' in html


def test_a_comparison_with_earlier_periods_is_found_by_date():
    """The thirteen weeks before come as comparison rows: the week before the first of ours is their last."""
    now, before = by_week([200.0], start=MONDAY + timedelta(days=14)), by_week([50.0, 100.0])
    assert "+100.0%" in fragment(now, panel("number", compare="previous"), comparison=before)
    assert "Nothing to compare" in fragment(now, panel("number", compare="previous"), comparison=by_week([50.0]))


def test_a_big_number_tells_the_latest_period():
    """The one that is asked about, by name; without a row it has no value, and an incomplete one is compared with nothing."""
    data, shown = by_week([100.0, 110.0, 121.0]), panel("number", compare="previous")
    whole = fragment(data, shown, latest=Latest(MONDAY + timedelta(days=7)))
    empty = fragment(data, shown, latest=Latest(MONDAY + timedelta(days=21)))
    partial = fragment(data, shown, latest=Latest(None))
    assert ("+10.0%" in whole, "$121.00</data>" in whole) == (True, False)
    assert "week of Jan 9" in whole
    assert ("—</data>" in empty, "Nothing to compare" in empty) == (True, True)
    assert ("(incomplete)" in partial, "Nothing to compare" in partial) == (True, True)


def test_a_year_ago_is_found_by_date():
    """52 weeks before, so that weekdays match."""
    data, shown = by_week([100.0, 110.0]), panel("number", compare="year_ago")
    before = by_week([55.0], start=MONDAY - timedelta(days=357))
    assert "+100.0%" in fragment(data, shown, comparison=before)
    assert "Nothing to compare" in fragment(data, shown, comparison=by_week([55.0], start=MONDAY - timedelta(days=364)))


@pytest.mark.parametrize(("better", "word"), [("up", "better"), ("down", "worse"), ("neither", "")])
def test_good_news_is_said_not_only_coloured(better, word):
    """A rise is better or worse by the metric's own direction, in a word for those who see no colour."""
    data = by_week([100.0, 110.0])
    data = PanelData((data.columns[0], column("net_sales", better=better)), data.table)
    html = fragment(data, panel("number", compare="previous"))
    assert (f"({word})" in html) is bool(word)


def test_a_table_that_filters_left_short_is_short():
    """A dozen rows keep their height while they come; three of them leave no void."""
    shown = panel("table", (DEPARTMENT,), limit=12)
    assert ' h480"' in str(skeleton(shown, context()))
    assert ' h480"' in fragment(by_name([(f"d{index}", 1.0) for index in range(6)]), shown)
    assert ' h480"' not in fragment(by_name([("one", 1.0)]), shown)


def test_no_rows_shows_the_way_out():
    """With filters set there is a way to clear them; without, the data is simply not there yet."""
    plain = fragment(by_week([]), panel(filters=("department",)))
    filtered = fragment(by_week([]), panel(filters=("department",)), context(parameters={"department": ["X"]}))
    assert "No data yet" in plain
    assert "Clear filters" in filtered
    assert filtered.count(STATE_MARK) == 1


@pytest.mark.parametrize("mark", ["line", "bar", "point"])
def test_rows_without_a_number_offer_nothing_to_take_along(mark):
    """Where the panel says that there is nothing, its foot does not lead to a table or a file of nothing."""
    html = fragment(by_name([("GROCERY", None), ("MEAT", None)]), panel(mark, (DEPARTMENT,)))
    assert 'class="empty' in html
    assert html.endswith('<footer class="panel-foot"></footer>')


def test_cells_follow_their_column():
    """Numbers right, times in their class, text with its own direction, nulls with a reason."""
    columns = (
        column("sold_at", "DateTime", "field", format=Format()),
        column("name", "String", "field", format=Format()),
        column("sales", "Float", "field"),
        column("household", "String", "field", format=Format(), masked=True),
    )
    batch = pa.record_batch({"sold_at": [None], "name": ["<b>"], "sales": [2.5], "household": pa.array([None], pa.string())})
    html = str(table_rows(columns, batch, context()))
    assert '<td dir="auto">&lt;b&gt;</td>' in html
    assert '<td class="n">$2.50</td>' in html
    assert 'tabindex="0" data-tip="No value was recorded"' in html
    assert 'data-tip="Hidden from your role"' in html
    assert "hidden</span></th>" in str(table_open(panel("table"), columns, context(), total=None, exact=True))


def test_a_table_is_whole_when_streamed():
    """Opened, filled in batches and closed, it is one table with a pager that can come later."""
    columns = (column("sales", "Float", "field"),)
    opened = table_open(panel("table"), columns, context(), total=1_469_307, exact=False)
    closed = table_close(panel("table"), context(), "?sales.after=x", 100, total=1_469_307, exact=False)
    html = str(opened) + str(closed)
    assert html.count("<table") == html.count("</table>") == 1
    assert "About 1,469,307 rows" in html
    assert "100 of about 1,469,307 rows" in html
    assert '<?start name="sales-end">' in html
    assert 'rel="next"' in html


def test_a_skeleton_has_the_panels_own_head_and_height():
    """Title and definition are there at once, the body keeps the chart's height."""
    html = str(skeleton(panel(height=300, description=Text({"en": "All stores"})), context()))
    assert "Net sales</h2>" in html
    assert "All stores" in html
    assert 'height="300"' in html


def test_a_headline_that_is_still_made_is_a_grey_bar():
    """Where a finding will stand, the title is only read out; the definition has the words it will keep."""
    shown = panel("bar", (DEPARTMENT,), finding="top_share", description=Text({"en": "All stores"}))
    waiting = str(skeleton(shown, context()))
    assert '<h2 id="h-sales" dir="auto" data-title="Net sales" class="waiting"><span class="sr">Net sales</span></h2>' in waiting
    definition = '<p class="definition" id="d-sales" dir="auto">Net sales. All stores</p>'
    assert definition in waiting
    assert definition in fragment(by_name([("Grocery", 9.0), ("Deli", 1.0)]), shown)


def test_an_explanation_says_what_and_what_next():
    """One sentence, what happens next, a way to try again; unknown reasons have words too."""
    html = str(explanation(panel(), "deadline-exceeded", context("de"), "?a=1&b=2"))
    assert "Das dauerte länger" in html
    assert "data-again" in html
    assert 'href="?a=1&amp;b=2" data-retry="sales"' in html
    for reason in ("unavailable", "engine-unavailable", "no-generation", "overloaded"):
        assert "cannot be reached right now" in str(explanation(panel(), reason, context(), ""))
    other = str(explanation(panel(), "no-such-reason", context(), ""))
    assert "Something went wrong" in other
    assert "data-again" not in other


def test_ages_in_words():
    """The unit that says it best, in the reader's language, the exact time on focus."""
    words = [age(seconds, context()) for seconds in (5, 60, 3_540, 7_200, 200_000)]
    assert words == ["just now", "1 minute ago", "59 minutes ago", "2 hours ago", "2 days ago"]
    note = str(state_note("stale", 1_514_800_000 - 7200, context("de")))
    assert "Stand vor 2 Stunden" in note
    assert 'tabindex="0" data-tip="1. Jan. 2018, 07:46 UTC' in note
    assert str(state_note("fresh", 0, context())) == ""


def page_with(*filters):
    return Page("demand", Text({"en": "Demand"}), {}, (), {each.name: each for each in filters})


def test_filters_work_without_script():
    """A GET form with labelled controls that keep their values, even ones no longer offered."""
    page = page_with(
        PageFilter("department", "d.d", Text({"en": "Department"}), "multiselect"),
        PageFilter("period", "", Text({"en": "Period"}), "period"),
    )
    ctx = context(as_of=date(2018, 1, 1), parameters={"department": ["GONE", "A&B"], "period": ["2017-01-02..2017-01-31"], "lang": ["de"]})
    html = str(filter_bar(page, {"department": ["A&B", "C"]}, ctx))
    assert 'method="get"' in html
    assert 'value="A&amp;B" checked' in html
    assert 'value="GONE" checked' in html
    assert 'value="2017-01-02..2017-01-31" selected>Jan 2, 2017 to Jan 31, 2017' in html
    assert '<input type="hidden" name="lang" value="de">' in html


def test_wrong_values_are_told_first_and_linked():
    """An error summary leads to the control, which repeats the error; nothing typed is lost."""
    page = page_with(PageFilter("amount", "t.a", Text({"en": "Amount"}), "range"))
    html = str(filter_bar(page, {}, context(parameters={"amount": ["x<y"]}), {"amount": "Enter two numbers"}))
    assert html.index("error-summary") < html.index("<form")
    assert 'href="#f-amount"' in html
    assert 'value="x&lt;y"' in html
    assert 'aria-invalid="true" aria-describedby="e-amount t-amount"' in html


def test_periods_in_words():
    """What the URL says, as people say it; what we do not know stays as it is."""
    assert period_words("last_4_weeks", context()) == "Last 4 weeks"
    assert period_words("last_1_months", context("de")) == "Letzter Monat"
    assert period_words("..2017-01-31", context()) == "… to Jan 31, 2017"
    assert period_words("whatever", context()) == "whatever"


def test_the_document_is_strict():
    """No inline style or script, a skip link, a language, a status for those who listen."""
    app = App("shop", Text({"en": "Shop <1>"}), Semantics({}, (), {}), {}, {}, {}, ("en", "de"))
    nav = [pages.NavLink("/shop/demand", "Demand", True)]
    shell = pages.Shell(watermark="w", release="r", in_order_url="?inorder=1", notice="One filter was set aside")
    html = str(
        pages.shell_open(
            app, page_with(), context("de"), filter_bar(page_with(), {}, context()), nav, pages.Assets("/c.css", ("/s.js",)), shell
        )
    )
    assert html.startswith('<!doctype html><html lang="de"')
    assert "Shop &lt;1&gt;" in html
    assert '<script src="/s.js" async></script>' in html
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert 'aria-current="page"' in html
    assert 'id="status" class="sr" role="status"' in html
