"""What charts show and say."""

from __future__ import annotations

import json
import re
from datetime import date
from html import unescape

import pyarrow as pa
from tests.unit.render.factory import DEPARTMENT, WEEK, by_name, by_week, by_week_and_name, column, context, layer, panel, weeks

from seawall.app.model import Encoding, Format, Text
from seawall.query.periods import Span
from seawall.ui.charts.chart import draw_chart
from seawall.ui.charts.data import PanelData


def drawn(data, shown=None, ctx=None):
    return draw_chart(shown or panel(), data, ctx or context())


def points_of(drawing):
    return json.loads(unescape(re.search(r"data-points='([^']*)'", drawing.svg).group(1)))


def test_a_line_labels_its_latest_point():
    """The last value stands beside the line, short; its exact value is in the readout."""
    drawing = drawn(by_week([10.0, 20.0, 1234.5]))
    assert ">$1.23K</tspan>" in drawing.svg
    assert points_of(drawing)["s"][0]["v"] == ["$10.00", "$20.00", "$1,234.50"]


def test_missing_weeks_are_gaps():
    """A null and a week without a row both break the line; a lone point is a dot."""
    svg = drawn(by_week([1.0, 2.0, None, 4.0, 5.0])).svg
    assert re.search(r'class="ln s0" d="([^"]*)"', svg).group(1).count("M") == 2
    data = by_week([1.0, 2.0, 3.0, 4.0])
    thinned = type(data)(data.columns, data.table.take([0, 1, 3]))
    path = re.search(r'class="ln s0" d="([^"]*)"', drawn(thinned).svg).group(1)
    assert path.count("M") == 2
    assert path.endswith("h0")


def test_bars_start_at_zero_and_lines_may_not():
    """Bars of 100 and 110 stand on a zero line; a line of the same values shows their difference."""
    data = by_week([100.0, 110.0, 105.0])
    assert ">0</text>" in drawn(data, panel("bar")).svg
    assert ">0</text>" not in drawn(data, panel("line")).svg


def test_four_series_are_labelled_and_five_get_a_legend():
    """Up to four names stand at the ends of lines; with more there is a legend everywhere."""
    for count, always in ((4, False), (5, True)):
        rows = [(day, f"Name {index}", 10.0 * index + place) for place, day in enumerate(weeks(3)) for index in range(count)]
        drawing = drawn(by_week_and_name(rows), panel("line", (WEEK, DEPARTMENT)))
        assert drawing.legend_always is always
        assert ('class="nm"' in drawing.svg) is not always
        assert len(drawing.legend) == count


def test_more_series_than_colours_share_one_legend_entry():
    """Eight series have colours; the rest are grey and counted together."""
    rows = [(day, f"Name {index}", 100.0 - index) for day in weeks(3) for index in range(11)]
    drawing = drawn(by_week_and_name(rows), panel("line", (WEEK, DEPARTMENT)))
    assert [item.name for item in drawing.legend][-1] == "3 others"
    assert drawing.svg.count('class="ln sx"') == 3


def test_long_names_lie_on_their_side():
    """Names that would not fit under bars on a phone stand at the left, with the value at each bar's end."""
    drawing = drawn(by_name([("Refrigerated juices and drinks", 5.0), ("Frozen", 3.0), ("Deli", 1.0)]), panel("bar", (DEPARTMENT,)))
    assert points_of(drawing)["h"] == 1
    assert ">$5.00</text>" in drawing.svg
    upright = drawn(by_name([("A", 5.0), ("B", 3.0)]), panel("bar", (DEPARTMENT,)))
    assert "h" not in points_of(upright)


def test_x_as_the_quantity_lies_on_its_side_too():
    """`x: value, y: name` is a chart of horizontal bars however short the names are."""
    layers = (layer("bar", x="net_sales", y="department"),)
    drawing = drawn(by_name([("A", 5.0), ("B", 3.0)]), panel("bar", (DEPARTMENT,), layers=layers))
    assert points_of(drawing)["t"] == ["A", "B"]
    assert points_of(drawing)["h"] == 1


def test_an_unfinished_week_is_left_out_of_a_line_and_faded_in_bars():
    """The week in which the data ends would look like a collapse; a note says what is missing."""
    data, ctx = by_week([10.0, 11.0, 12.0, 1.0]), context(as_of=date(2017, 1, 25))
    line = drawn(data, panel("line"), ctx)
    assert len(points_of(line)["t"]) == 3
    assert "Jan 23, 2017" in line.note
    bars = drawn(data, panel("bar"), ctx)
    assert bars.svg.count("br s0 pa") == 1
    assert "not over" in bars.note


def test_a_week_in_which_the_data_begins_is_left_out_of_a_line_and_faded_in_bars():
    """A single day would look like a rise; a note says what is missing. Of both ends each is told."""
    data, begun = by_week([1.0, 10.0, 11.0, 12.0]), context(whole_from=date(2017, 1, 9))
    line = drawn(data, panel("line"), begun)
    assert points_of(line)["t"][0] == "Jan 9, 2017"
    assert line.note == "Without the week of Jan 2, 2017, within which the data begins"
    assert line.readout.left_out == (1, 0)
    bars = drawn(data, panel("bar"), begun)
    assert (bars.svg.count("br s0 pa"), "data begins" in bars.note) == (1, True)
    both = drawn(by_week([1.0, 10.0, 11.0, 12.0, 2.0]), panel("line"), context(whole_from=date(2017, 1, 9), as_of=date(2017, 2, 1)))
    assert len(points_of(both)["t"]) == 3
    assert both.note.endswith(" · Without the week of Jan 30, 2017, which is not over yet")
    assert drawn(data, panel("line"), context(whole_from=date(2017, 1, 2))).note == ""


def test_a_week_that_was_asked_for_only_in_part_is_left_out_of_a_line_and_faded_in_bars():
    """January 5 to 26 holds four days of its first week: no rise, no fall. With nothing else to show the note alone says so."""
    data, january = by_week([4.0, 10.0, 11.0, 3.0]), context(asked=Span(date(2017, 1, 5), date(2017, 1, 26)))
    line = drawn(data, panel("line"), january)
    assert points_of(line)["t"] == ["Jan 9, 2017", "Jan 16, 2017"]
    assert line.note.startswith("Without the week of Jan 2, 2017, chosen only in part · Without the week of Jan 23")
    assert line.readout.left_out == (1, 1)
    assert drawn(data, panel("bar"), january).svg.count("br s0 pa") == 2
    short = drawn(by_week([4.0, 3.0]), panel("line"), context(asked=Span(date(2017, 1, 5), date(2017, 1, 10))))
    assert len(points_of(short)["t"]) == 2
    assert short.note.startswith("The week of Jan 2, 2017 is chosen only in part")
    assert drawn(data, panel("line"), context(asked=Span(date(2017, 1, 2), date(2017, 1, 30)))).note == ""


def test_shares_stand_side_by_side_and_sums_are_stacked():
    """Percentages do not add up, so their bars are not stacked."""
    rows = [(day, name, 0.2) for day in weeks(2) for name in ("A", "B")]
    data = by_week_and_name(rows)
    stacked = drawn(data, panel("bar", (WEEK, DEPARTMENT)))
    percent = type(data)((*data.columns[:2], column("net_sales", format=Format(style="percent"))), data.table)
    grouped = drawn(percent, panel("bar", (WEEK, DEPARTMENT)))
    assert len(set(re.findall(r'<rect class="br[^>]* x="([^"]*)"', stacked.svg))) == 2
    assert len(set(re.findall(r'<rect class="br[^>]* x="([^"]*)"', grouped.svg))) == 4


def test_a_large_cloud_names_only_what_stands_apart():
    """Of a crowd and two loners the loners are named, on whichever side there is room."""
    crowd = [(f"c{index}", 100.0 + index % 10, 100.0 + index // 10) for index in range(90)]
    rows = [*crowd, ("far right", 1000.0, 102.0), ("far up", 104.0, 1000.0)]
    columns = (column("name", "String", "dimension", format=Format()), column("net_sales"), column("units"))
    names, across, up = zip(*rows, strict=True)
    table = pa.table({"name": list(names), "net_sales": list(across), "units": list(up)})
    points = layer("point", x=Encoding("net_sales", type="quantitative"), y="units")
    svg = drawn(PanelData(columns, table), panel(by=(DEPARTMENT,), metrics=("net_sales", "units"), layers=(points,))).svg
    named = re.findall(r'class="pn( b)?"[^>]*>([^<]+)<', svg)
    assert (" b", "far right") in named
    assert ("", "far up") in named
    assert len(named) <= 6


def test_an_interval_is_a_band_that_the_tooltip_tells():
    """`area` with `y2` is pale, has no place to point at, and reads as low to high."""
    layers = (layer("area", x="week", y="net_sales", y2="net_sales"), layer("line", x="week", y="net_sales"))
    drawing = drawn(by_week([1.0, 2.0]), panel(layers=layers))
    line, band = points_of(drawing)["s"]
    assert (band["k"], "k" in line) == ("bd", False)
    assert 'class="bd s0"' in drawing.svg
    assert band["v"][0] == "$1.00 to $1.00"
    assert band["y"] == [None, None]
    assert line["y"][0] is not None


def test_promotions_are_marks_on_the_axis():
    """A rule over x marks the weeks where its size is above zero, and no other."""
    data = by_week([5.0, 0.0, 7.0])
    rule = layer("rule", x="week", size=Encoding("net_sales", title=Text({"en": "Promotion week"})))
    drawing = drawn(data, panel(layers=(layer("line", x="week", y="net_sales"), rule)))
    assert drawing.svg.count('class="fl"') == 2
    assert "<title>Promotion week: Jan 2, 2017</title>" in drawing.svg


def test_tooltip_fields_are_told():
    """Columns named in `tooltip` join the readout, those already drawn do not."""
    layers = (layer("bar", x="net_sales", y="department"),)
    told = {**layers[0].encoding, "tooltip": (Encoding("department"), Encoding("net_sales"), Encoding("units"))}
    data = by_name([("A", 5.0), ("B", 3.0)])
    more = type(data)((*data.columns, column("units", format=Format(style="integer"))), data.table.append_column("units", [[7.0, 8.0]]))
    drawing = drawn(more, panel("bar", (DEPARTMENT,), layers=(type(layers[0])("bar", told),)))
    assert [series["n"] for series in points_of(drawing)["s"]] == ["Net sales", "Units"]
    assert points_of(drawing)["s"][1]["v"] == ["7", "8"]


def test_a_chart_is_named_and_reachable():
    """Screen readers hear the panel's headline and definition; the keyboard reaches the chart."""
    svg = drawn(by_week([1.0, 2.0])).svg
    assert 'role="img" aria-labelledby="h-sales" aria-describedby="d-sales" tabindex="0"' in svg


def test_nothing_to_draw_is_none():
    """No number, no chart: the panel says that it is empty."""
    assert drawn(by_week([])) is None
    assert drawn(by_week([None, float("nan")])) is None


def test_the_legend_keeps_the_height():
    """With a legend above it the drawing gives way, so that both together are as high as declared."""
    rows = [(day, f"Name {index}", 10.0 * index) for day in weeks(3) for index in range(6)]
    drawing = drawn(by_week_and_name(rows), panel("line", (WEEK, DEPARTMENT), height=300))
    assert 'height="272"' in drawing.svg
