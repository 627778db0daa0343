"""What each channel of a chart does to it: ends of ranges, hidden axes and legends, sizes, colours, titles, formats, orders."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from tests.unit.render.subset import drawn, rows

WEEK, REVENUE, LOW, HIGH, REGION = ({"field": name} for name in ("week", "revenue", "low", "high", "region"))
ENDED, COST, ACCENT = {"field": "ended"}, {"field": "cost"}, {"value": "accent"}


def chart(mark: str, **encoding: Any) -> dict[str, Any]:
    return {"mark": mark, "encoding": encoding}


def traces(html: str) -> dict[str, list[str]]:
    """What tooltips say, by the name of the series."""
    points = json.loads(unescape(re.search(r"data-points='([^']*)'", html).group(1)))
    return {series["n"]: series["v"] for series in points["s"]}


def spots(html: str, name: str) -> list[float]:
    """One attribute of every bar."""
    return [float(value) for value in re.findall(rf'<rect class="br[^>]* {name}="([\d.]+)%?"', html)]


# ── ranges ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bar_on_its_side_goes_from_x_to_x2():
    """Not from zero: its left end is the lower value, and the tooltip tells both."""
    html = drawn(chart("bar", x=LOW, x2=HIGH, y=REGION, color=ACCENT))
    assert all(left > 5 for left in spots(html, "x"))
    assert traces(html)["Low to High"][0].count(" to ") == 1


def test_times_on_their_side_have_an_axis_of_times():
    """A plan of what runs from when to when: names at the left, months and days below."""
    html = drawn(chart("bar", x=WEEK, x2=ENDED, y=REGION, color=ACCENT))
    assert len(spots(html, "width")) == 12
    assert ">Jan 2017</text>" in html
    assert "Jan 2, 2017 to Jan 5, 2017" in html


def test_an_upright_bar_is_as_wide_as_from_x_to_x2():
    """Bins of a histogram: each rectangle begins where its row says, and ends there too."""
    html = drawn(chart("bar", x=LOW, x2=HIGH, y=REVENUE, color=ACCENT))
    assert len(set(spots(html, "x"))) == 12
    assert max(spots(html, "width")) - min(spots(html, "width")) < 0.1
    assert "High" in traces(html)


def test_an_upright_bar_goes_from_y_to_y2():
    """Ranges are not stacked, and the axis need not begin at zero."""
    html = drawn(chart("bar", x=WEEK, y=LOW, y2=HIGH, color=REGION))
    assert len(spots(html, "y")) == 12
    assert min(spots(html, "height")) > 3
    assert list(traces(html)) == ["South, Low to High", "East, Low to High", "North, Low to High"]


def test_a_rule_goes_from_x_to_x2():
    """At the height of y, or along the axis without one."""
    high = drawn(chart("rule", x=WEEK, x2=ENDED, y=REVENUE))
    assert len(re.findall(r'<line class="eb" x1="[\d.]+%" x2="[\d.]+%" y1="([\d.]+)" y2="\1"/>', high)) == 12
    low = drawn(chart("rule", x={**WEEK, "title": "Sale"}, x2=ENDED))
    assert "<title>Sale: Jan 2, 2017 to Jan 5, 2017</title>" in low
    assert traces(low)["Sale"][0].startswith("Jan 2, 2017 to ")


def test_a_range_may_end_at_a_constant():
    """The surface between a line and a goal, say."""
    html = drawn(chart("area", x=WEEK, y=REVENUE, y2={"value": 5000}, color=ACCENT))
    assert traces(html)["Revenue to $5,000.00"][0].endswith(" to $5,000.00")


def test_ranges_hold_their_ends():
    """The axis reaches as far as the furthest end."""
    near, far = (drawn(chart("bar", x=WEEK, x2={"value": day}, y=REVENUE, color=ACCENT)) for day in ("2017-01-28", "2018-01-28"))
    assert ">2018</text>" not in near
    assert ">2018</text>" in far or "Jan 2018" in far


# ── what is hidden ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("weeks", [4])
@pytest.mark.parametrize("hidden", [False, None])
def test_a_hidden_legend_leaves_no_names(hidden, weeks):
    """Neither in a list nor beside the ends of lines; the values stay, and the tooltip tells who is who."""
    shown = drawn(chart("line", x=WEEK, y=REVENUE, color=REGION), rows(weeks))
    html = drawn(chart("line", x=WEEK, y=REVENUE, color={**REGION, "legend": hidden}), rows(weeks))
    assert ("legend" in shown, shown.count('class="nm"')) == (True, 3)
    assert ('<ul class="legend' in html, html.count('class="nm"'), html.count('class="vl"')) == (False, 0, 3)
    assert set(traces(html)) == {"South", "East", "North"}


def test_a_hidden_axis_is_not_there():
    """Labels, lines and title go; a hidden axis of names gives its room to the bars."""
    upright = chart("line", x={**WEEK, "axis": False}, y={**REVENUE, "title": "Money", "axis": False}, color=ACCENT)
    assert not re.search(r'class="(x|y|g|t|at)[" ]', drawn(upright))
    lying = drawn(chart("bar", x=REVENUE, y={**REGION, "axis": False}, color=ACCENT))
    assert 'class="k"' not in lying
    assert re.search(r"\bl16\b", lying)


def test_on_its_side_the_values_are_the_axis():
    """Values at the ends of bars stand in for an axis, so hiding it hides them and the line at zero."""
    html = drawn(chart("bar", x={**REVENUE, "axis": None}, y=REGION, color=ACCENT))
    assert 'class="v' not in html
    assert 'class="z"' not in html
    assert 'class="k"' in html


# ── sizes, colours, words ────────────────────────────────────────────────────────────────────────────────────────


def radii(html):
    return sorted({float(value) for value in re.findall(r'<circle class="pt s\d" [^>]*r="([\d.]+)"', html)})


def test_sizes_are_told():
    """The largest dot stands above the chart with its value; tooltips tell each."""
    html = drawn(chart("point", x=WEEK, y=REVENUE, color=ACCENT, size={**COST, "title": "Costs", "format": "integer"}))
    assert re.search(r'<circle class="pt sx" [^>]*r="11.5"/></svg><span dir="auto">Costs</span> <span class="vl">', html)
    assert "Costs" in traces(html)
    assert len(radii(html)) > 5


def test_sizes_have_scales():
    """A scale that does not begin at zero tells small differences; a constant surface is the same for all."""
    from_zero = radii(drawn(chart("point", x=WEEK, y=REVENUE, color=ACCENT, size=COST)))
    apart = radii(drawn(chart("point", x=WEEK, y=REVENUE, color=ACCENT, size={**COST, "scale": {"zero": False}})))
    assert from_zero[0] > apart[0] == 2.5
    assert radii(drawn(chart("point", x=WEEK, y=REVENUE, color=ACCENT, size={"value": 314.16}))) == [10.0]


def test_a_colour_is_chosen_by_name():
    """From the palette that is safe in both themes; rules take it too."""
    layers = [chart("line", x=WEEK, y=REVENUE, color={"value": "green"}), chart("rule", y={"value": 50}, color={"value": "grey"})]
    html = drawn({"layer": layers})
    assert 'class="ln s7"' in html
    assert 'class="ln sx ds"' in html


def test_a_legend_has_the_title_its_author_wrote():
    """And then is there however wide the panel."""
    html = drawn(chart("line", x=WEEK, y=REVENUE, color={**REGION, "title": "Part of the country"}))
    assert '<ul class="legend"><li><b dir="auto">Part of the country</b></li>' in html


def test_axes_have_the_titles_their_author_wrote():
    """Under the labels of x and above those of y, on their side above both."""
    upright = drawn(chart("bar", x={**WEEK, "title": "Weeks"}, y={**REVENUE, "title": "Money"}, color=REGION))
    lying = drawn(chart("bar", x={**REVENUE, "title": "Money"}, y={**REGION, "title": "Where"}, color=ACCENT))
    for html in (upright, lying):
        assert re.search(r'<text class="at"[^>]*>Money</text>', html)
    assert re.search(r'<text class="at b"[^>]*>Weeks</text>', upright)
    assert re.search(r'<text class="at b"[^>]*>Where</text>', lying)


def test_times_are_written_in_the_format_asked_for():
    """On the axis, once each, and in tooltips."""
    html = drawn(chart("line", x={**WEEK, "format": "month"}, y=REVENUE, color=ACCENT))
    assert html.count(">Jan 2017</text>") >= 1
    assert json.loads(unescape(re.search(r"data-points='([^']*)'", html).group(1)))["t"][0] == "Jan 2017"


def test_series_stand_in_the_order_asked_for():
    """By how much there is of each; by name; backwards."""
    named = {
        order: list(traces(drawn(chart("line", x=WEEK, y=REVENUE, color={**REGION, "sort": order})))) for order in ("none", "ascending")
    }
    assert named == {"none": ["South", "East", "North"], "ascending": ["East", "North", "South"]}


def test_numbers_as_names_are_sorted_as_numbers():
    """Nine before ten."""
    html = drawn(chart("bar", x={"field": "cost", "type": "ordinal"}, y=REVENUE, color=ACCENT))
    labels = [float(each) for each in json.loads(unescape(re.search(r"data-points='([^']*)'", html).group(1)))["t"]]
    assert labels == sorted(labels)


def test_tooltips_of_coloured_layers_tell_further_columns():
    """For each series, since several of its rows share a place."""
    html = drawn(chart("line", x=WEEK, y=REVENUE, color=REGION, tooltip=[COST]))
    assert set(traces(html)) == {"South", "East", "North", "South, Cost", "East, Cost", "North, Cost"}


def test_rules_stand_on_charts_on_their_side():
    """A goal goes up through all bars and has its name above them."""
    layers = [chart("bar", x=REVENUE, y=REGION, color=ACCENT), chart("rule", x={"value": 200, "title": "Goal"})]
    html = drawn({"layer": layers})
    assert re.search(r'<line class="ru" x1="([\d.]+%)" x2="\1"', html)
    assert ">Goal</text>" in html


def test_dots_stand_beside_names():
    """A dot plot is not turned over: names at the left, dots along the quantity, an axis below."""
    html = drawn(chart("point", x=REVENUE, y=REGION, color=ACCENT))
    assert html.count('class="k"') == 3
    assert html.count("<circle") == 12
    assert 'class="x"' in html


def test_a_number_tells_the_metric_and_format_it_is_given():
    """Not only the panel's first one."""
    html = drawn(chart("number", y={"field": "cost", "format": {"style": "currency", "currency": "EUR"}}))
    assert "€" in html
    plain = drawn(chart("number", y=REVENUE))
    assert re.search(r'<data value="[^"]*"', html).group(0) != re.search(r'<data value="[^"]*"', plain).group(0)


def test_a_date_stands_on_an_axis_of_times():
    """A line down at a day, with its words."""
    html = drawn({"layer": [chart("line", x=WEEK, y=REVENUE, color=ACCENT), chart("rule", x={"value": "2017-01-13", "title": "Opening"})]})
    assert re.search(r'<line class="ru" x1="([\d.]+)%" x2="\1%"', html)
    assert ">Opening</text>" in html
