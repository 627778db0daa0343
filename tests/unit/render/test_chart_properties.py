"""For any rows at all: a chart is drawn, its SVG is well-formed XML, and nothing of the data is left as markup."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.render.factory import DEPARTMENT, WEEK, column, context, layer, panel

from seawall.app.model import Dimension, Encoding, Format, Text
from seawall.ui.charts.data import PanelData
from seawall.ui.findings import finding
from seawall.ui.render.panel import panel_fragment

EVIL = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=1>",
    "]]>&amp;<!--",
    "مرحبا \u202e",
    "日用雑貨",
    "🥑",
    "\x00\x1b\ud800",
    "",
    "=1+1",
]
NAMES = st.sampled_from(EVIL) | st.text(max_size=20) | st.none()
AMOUNTS = st.floats() | st.integers(-(10**6), 10**6).map(float) | st.none()
DATES = st.dates() | st.dates(min_value=date(2016, 1, 1), max_value=date(2018, 12, 31)) | st.none()
MARKS = st.sampled_from(["line", "bar", "area", "point", "rule", "number", "table"])
PLACES = {"d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "dx", "dy", "width", "height", "points", "viewBox"}
PLACE = re.compile(r"(?:[A-Za-z]?\s*-?\d{0,7}(?:\.\d+)?%?[\s,]*)*")
"""Letters of a path and numbers that a browser can place: none is endless, beyond all bounds or no number."""
ALLOWED = {"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title"}
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def rows_of(names, days, amounts):
    """As many rows as the shortest list has."""
    count = min(len(names), len(days), len(amounts))
    clean = [None if name is None else name.encode("utf-8", "replace").decode() for name in names[:count]]
    columns = (
        column("week", "Date", "dimension", format=Format(style="week")),
        column("department", "String", "dimension", format=Format()),
        column("net_sales"),
    )
    arrays = [pa.array(days[:count], pa.date32()), pa.array(clean, pa.string()), pa.array(amounts[:count], pa.float64())]
    return PanelData(columns, pa.Table.from_arrays(arrays, names=["week", "department", "net_sales"]))


def svgs_of(html):
    """The outermost SVG elements of a fragment, parsed as XML."""
    made, depth, start = [], 0, 0
    for match in re.finditer(r"<svg\b|</svg>", html):
        if match.group(0) == "<svg":
            start = match.start() if depth == 0 else start
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                made.append(ElementTree.fromstring(html[start : match.end()]))
    assert depth == 0
    return made


def assert_safe(html):
    """Well-formed, only our own elements, no attribute that a strict policy would refuse."""
    assert "<script" not in html
    assert "<img" not in html
    html.encode("utf-8")
    for svg in svgs_of(html):
        for element in svg.iter():
            assert element.tag in ALLOWED
            assert not {name for name in element.attrib if name.startswith("on") or name == "style" or "href" in name}
            for name in PLACES & element.attrib.keys():
                assert PLACE.fullmatch(element.attrib[name]), (name, element.attrib[name])
        if "data-points" in svg.attrib:
            assert set(json.loads(svg.attrib["data-points"])) >= {"t", "s"}


@SLOW
@given(st.lists(NAMES, max_size=40), st.lists(DATES, max_size=40), st.lists(AMOUNTS, max_size=40), MARKS, st.sampled_from(["en", "de"]))
def test_any_rows_by_time_and_name(names, days, amounts, mark, locale):
    """Dates, names and amounts of every kind in every mark."""
    data = rows_of(names, days, amounts)
    shown = panel(mark, (WEEK, DEPARTMENT), finding="latest_change", compare="previous")
    assert_safe(str(panel_fragment(shown, data, context(locale, as_of=date(2018, 1, 1)), comparison=data)))


@SLOW
@given(st.lists(NAMES, max_size=30), st.lists(AMOUNTS, max_size=30), MARKS)
def test_any_rows_by_name(names, amounts, mark):
    """Names as the axis: upright or on their side."""
    data = rows_of(names, [None] * 30, amounts)
    data = PanelData(data.columns[1:], data.table.drop_columns("week"))
    assert_safe(str(panel_fragment(panel(mark, (DEPARTMENT,), finding="top_share"), data, context())))


@SLOW
@given(st.lists(AMOUNTS, max_size=30), st.lists(AMOUNTS, max_size=30), st.sampled_from(["linear", "log", None]), st.booleans())
def test_any_layers(lows, highs, scale, zero):
    """Bands, dots by size, error bars and marks on the axis over numbers."""
    count = min(len(lows), len(highs))
    columns = (column("units", format=Format()), column("low"), column("high"))
    table = pa.table({"units": pa.array(range(count), pa.float64()), "low": lows[:count], "high": highs[:count]})
    x = Encoding("units", type="quantitative", scale_type=scale)
    y = Encoding("low", scale_type=scale, scale_zero=zero)
    layers = (
        layer("area", x=x, y=y, y2="high"),
        layer("rule", x=x, y=y, y2="high"),
        layer("point", x=x, y=y, size="high"),
        layer("rule", x=x, size="high"),
        layer("rule", y=Encoding(value=1e9)),
        layer("bar", x=x, y=y),
        layer("line", x=x, y=y),
    )
    for order in (layers, layers[::-1]):
        assert_safe(str(panel_fragment(panel(layers=order, by=()), PanelData(columns, table), context())))


RANGES = {
    "lying": (layer("bar", x="low", x2="high", y="department"), layer("rule", x=Encoding(value=1e9, title=Text({"en": EVIL[0]})))),
    "lying times": (layer("bar", x="week", x2="ended", y="department"), layer("point", x="ended", y="department", size="high")),
    "dots": (layer("point", x="low", y="department", size="high"), layer("rule", x="low", x2="high", y="department")),
    "flags": (layer("rule", y="department", size="low", color="department"),),
    "wide": (
        layer("bar", x="week", x2="ended", y="low"),
        layer("rule", x="week", x2="ended"),
        layer("rule", x="week", x2="ended", y="low"),
    ),
    "tall": (layer("bar", x="week", y="low", y2="high", tooltip="department"), layer("rule", x=Encoding(value="2017-05-29"))),
    "bins": (layer("bar", x=Encoding("low", type="quantitative"), x2="high", y="high"), layer("rule", x=Encoding(value=-1e300))),
    "named": (layer("rule", x=Encoding(value=EVIL[1])), layer("bar", x="department", y="low"), layer("rule", y="high", color="department")),
}


@SLOW
@given(st.lists(NAMES, max_size=20), st.lists(DATES, max_size=20), st.lists(AMOUNTS, max_size=20), st.sampled_from(sorted(RANGES)))
def test_any_ranges(names, days, amounts, form):
    """Ranges along both axes, lying charts, dots beside names, rules of every kind, with ends before beginnings and missing ones."""
    data = rows_of(names, days, amounts)
    low, week = data.table.column("net_sales"), data.table.column("week")
    columns = (*data.columns[:2], column("low"), column("high"), column("ended", "Date", format=Format(style="date")))
    arrays = [week, data.table.column("department"), low, pa.chunked_array([low.to_pylist()[::-1]], pa.float64())]
    ended = pa.chunked_array([week.to_pylist()[::-1]], pa.date32())
    table = pa.Table.from_arrays([*arrays, ended], names=["week", "department", "low", "high", "ended"])
    shown = panel(layers=RANGES[form], by=(WEEK, DEPARTMENT), metrics=("low", "high", "ended"))
    assert_safe(str(panel_fragment(shown, PanelData(columns, table), context(as_of=date(2018, 1, 1)))))


@SLOW
@given(
    st.lists(st.datetimes() | st.none(), max_size=20),
    st.lists(AMOUNTS, max_size=20),
    st.sampled_from(["hour", "day", "week", "month", "quarter", "year"]),
    MARKS,
)
def test_any_moments(moments, amounts, grain, mark):
    """Datetimes from the year 1 to 9999 at every grain."""
    count = min(len(moments), len(amounts))
    columns = (column("sold_at", "DateTime", "dimension", format=Format()), column("net_sales"))
    table = pa.table({"sold_at": pa.array(moments[:count], pa.timestamp("us")), "net_sales": pa.array(amounts[:count], pa.float64())})
    for kind in ("peak", "latest_change", "largest_mover"):
        shown = panel(mark, (Dimension("sold_at", "t.sold_at", grain=grain),), finding=kind, compare="year_ago")
        assert_safe(str(panel_fragment(shown, PanelData(columns, table), context(as_of=date(2018, 1, 1)))))


@pytest.mark.parametrize("kind", ["top_share", "latest_change", "peak", "largest_mover"])
def test_findings_of_nothing_are_silent(kind):
    """No row, no sentence."""
    shown = panel("line", (WEEK, DEPARTMENT), finding=kind)
    assert finding(shown, rows_of([], [], []), context()) == ""
    assert finding(shown, rows_of([None], [None], [None]), context()) == ""


def test_datetimes_and_dates_mix():
    """A week that the engine cut from timestamps is a datetime; the watermark is a date."""
    columns = (column("week", "DateTime", "dimension", format=Format(style="week")), column("net_sales"))
    moments = [datetime(2017, 12, day) for day in (4, 11, 18, 25)]  # noqa: DTZ001
    data = PanelData(columns, pa.table({"week": pa.array(moments, pa.timestamp("us")), "net_sales": [1.0, 2.0, 3.0, 1.0]}))
    for mark in ("line", "number"):
        html = str(panel_fragment(panel(mark, finding="latest_change", compare="previous"), data, context(as_of=date(2017, 12, 27))))
        assert "Dec 18, 2017" in html
