"""Small panels and rows for the tests of drawing."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

from seawall.app.model import Chart, Comparison, DataType, Dimension, Encoding, Format, Layer, MetricQuery, Panel, Text
from seawall.query.port import Column
from seawall.ui.charts.data import PanelData
from seawall.ui.render.context import RenderContext

DOLLARS = Format(style="currency", currency="USD")
WEEK = Dimension("week", grain="week")
DEPARTMENT = Dimension("department", "products.department")
MONDAY = date(2017, 1, 2)


def context(locale="en", *, as_of=None, parameters=None, now=1_514_800_000.0, whole_from=None, asked=None):
    return RenderContext("shop", "demand", locale, as_of, parameters or {}, now, whole_from=whole_from, asked=asked)


def weeks(count):
    return [MONDAY + timedelta(days=7 * index) for index in range(count)]


def column(name, datatype: DataType = "Float", role="metric", *, format=DOLLARS, **more):
    german = {"net_sales": "Nettoumsatz", "week": "Woche", "department": "Warengruppe"}
    english = name.replace("_", " ").capitalize()
    return Column(name, datatype, Text({"en": english, "de": german.get(name, english)}), format, role, **more)


def panel(mark="line", by=(WEEK,), *, metrics=("net_sales",), layers=(), finding="", compare="", height=240, limit=None, **more):
    chart = Chart(layers or (Layer(mark),), height)
    query = MetricQuery(tuple(metrics), tuple(by), limit=limit)
    comparison = Comparison(compare) if compare else None
    return Panel("sales", Text({"en": "Net sales", "de": "Umsatz"}), query, chart, finding=finding, compare=comparison, **more)


def by_week(values, start=MONDAY):
    days = [start + timedelta(days=7 * index) for index in range(len(values))]
    columns = (column("week", "Date", "dimension", format=Format(style="week")), column("net_sales"))
    return PanelData(columns, pa.table({"week": pa.array(days, pa.date32()), "net_sales": pa.array(values, pa.float64())}))


def by_name(pairs, format=DOLLARS):
    columns = (column("department", "String", "dimension", format=Format()), column("net_sales", format=format))
    names, values = [name for name, _ in pairs], [value for _, value in pairs]
    return PanelData(columns, pa.table({"department": pa.array(names, pa.string()), "net_sales": pa.array(values, pa.float64())}))


def by_week_and_name(rows):
    columns = (
        column("week", "Date", "dimension", format=Format(style="week")),
        column("department", "String", "dimension", format=Format()),
        column("net_sales"),
    )
    arrays = [pa.array([row[0] for row in rows], pa.date32()), pa.array([row[1] for row in rows], pa.string())]
    arrays.append(pa.array([row[2] for row in rows], pa.float64()))
    return PanelData(columns, pa.Table.from_arrays(arrays, names=["week", "department", "net_sales"]))


def layer(mark, **channels):
    return Layer(mark, {name: (value if isinstance(value, Encoding) else Encoding(value),) for name, value in channels.items()})
