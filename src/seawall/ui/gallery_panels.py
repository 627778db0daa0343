"""What hangs in the gallery: one panel for each mark, layout and state, and some with data that is hard to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

import duckdb
import msgspec
import pyarrow as pa

from seawall.app.model import (
    Channel,
    Chart,
    Comparison,
    DataType,
    Dimension,
    Encoding,
    Format,
    Layer,
    Mark,
    MetricQuery,
    Panel,
    RowsQuery,
    Text,
)
from seawall.query.port import Column
from seawall.ui.charts.data import PanelData
from seawall.ui.gallery_data import Rows

Finding = Literal["", "top_share", "latest_change", "peak", "largest_mover"]
DOLLARS = Format(style="currency", currency="USD")
_TYPES: dict[str, DataType] = {
    "date32[day]": "Date", "string": "String", "double": "Float", "int64": "Integer", "timestamp[us]": "DateTime",
}  # fmt: skip
_MONEY = ("net_sales", "discount", "sales_value", "coupon", "low", "high", "forecast", "basket")
_FORMATS = {
    **dict.fromkeys(_MONEY, DOLLARS), "change": Format(style="percent"), "share": Format(style="percent"),
    "week": Format(style="week"), "basket_id": Format(style="text"), "store_id": Format(style="text"),
}  # fmt: skip
_GERMAN = {
    "week": "Woche", "department": "Warengruppe", "net_sales": "Nettoumsatz", "units": "Stück", "baskets": "Einkäufe",
    "change": "Veränderung", "discount": "Rabatt", "basket": "Bon", "forecast": "Prognose", "month": "Monat",
    "store_group": "Filialgruppe",
}  # fmt: skip
WEEK = Dimension("week", grain="week")
DEPARTMENT = Dimension("department", "products.department")


class Exhibit(msgspec.Struct, frozen=True):
    """A panel, its rows and the state it is shown in."""

    panel: Panel
    data: PanelData
    state: str = "fresh"
    comparison: PanelData | None = None


def rooms(rows: Rows) -> list[tuple[str, str, tuple[tuple[Exhibit, ...], ...]]]:
    """(name, title, rows of exhibits) of each page."""
    return [("index", "Demand", _demand(rows)), ("states", "States", _states(rows)), ("edge", "Difficult data", _edge(rows))]


def _demand(rows: Rows) -> tuple[tuple[Exhibit, ...], ...]:
    return (
        _numbers(rows),
        (_weekly(rows), _by_department(rows)),
        (_shares(rows), _movers(rows)),
        (_stacked(rows), _stacked_bars(rows)),
        (_forecast(rows), _promotions(rows)),
        (_groups(rows), _two_layers(rows), _scatter(rows)),
        (_table(rows),),
    )


def _sql(text: str, rows: Rows) -> pa.Table:
    with duckdb.connect() as database:
        database.register("sales", rows.sales)
        made: pa.Table = database.sql(text).to_arrow_table()
        return made


_FULL = "week >= DATE '2017-01-02'"


def _numbers(rows: Rows) -> tuple[Exhibit, ...]:
    made = []
    specs = (
        ("net_sales", "Net sales", "sum(net_sales)", DOLLARS),
        ("units", "Units", "sum(units)::bigint", Format(style="integer")),
        ("basket", "Basket size", "sum(net_sales) / sum(baskets)", DOLLARS),
        ("share", "Discount rate", "sum(discount) / sum(net_sales + discount)", Format(style="percent")),
    )
    for name, title, expression, _ in specs:
        table = _sql(f"SELECT week, {expression} AS {name} FROM sales WHERE {_FULL} GROUP BY 1 ORDER BY 1", rows)
        words = "Latest complete week"
        made.append(_exhibit(f"n-{name}", title, table, [WEEK], "number", description=words, compare="previous"))
    return tuple(made)


def _weekly(rows: Rows) -> Exhibit:
    table = _sql(f"SELECT week, sum(net_sales) AS net_sales FROM sales WHERE {_FULL} GROUP BY 1 ORDER BY 1", rows)
    words = "Sales value after discounts, all stores."
    return _exhibit("weekly", "Net sales by week", table, [WEEK], "line", finding="peak", description=words)


def _by_department(rows: Rows) -> Exhibit:
    text = (
        f"SELECT week, department, net_sales FROM sales WHERE {_FULL} AND department IN ('DRUG GM', 'PRODUCE', 'MEAT', 'FUEL') ORDER BY ALL"
    )
    words = "Four departments, sales value after discounts."
    return _exhibit(
        "lines", "Net sales by department", _sql(text, rows), [WEEK, DEPARTMENT], "line", finding="latest_change", description=words
    )


def _shares(rows: Rows) -> Exhibit:
    table = _sql("SELECT department, sum(net_sales) AS net_sales FROM sales GROUP BY 1 HAVING sum(net_sales) > 18000 ORDER BY 2 DESC", rows)
    return _exhibit("shares", "Net sales by department, 2017", table, [DEPARTMENT], "bar", finding="top_share", height=320)


def _movers(rows: Rows) -> Exhibit:
    text = """
        SELECT department, sum(net_sales) FILTER (week BETWEEN DATE '2017-12-01' AND DATE '2017-12-25')
             / sum(net_sales) FILTER (week BETWEEN DATE '2017-11-01' AND DATE '2017-11-27') - 1 AS change
        FROM sales GROUP BY 1 HAVING sum(net_sales) > 15000 ORDER BY 2 DESC"""
    words = "Last four complete weeks against the four before."
    return _exhibit(
        "movers", "Change in net sales", _sql(text, rows), [DEPARTMENT], "bar", finding="largest_mover", height=320, description=words
    )


def _stacked(rows: Rows) -> Exhibit:
    text = f"SELECT week, department, net_sales FROM sales WHERE {_FULL} AND department IN ('GROCERY', 'DRUG GM', 'PRODUCE') ORDER BY ALL"
    return _exhibit("areas", "Three departments, stacked", _sql(text, rows), [WEEK, DEPARTMENT], "area", finding="top_share")


def _stacked_bars(rows: Rows) -> Exhibit:
    text = f"""SELECT date_trunc('month', week)::date AS month, department, sum(net_sales) AS net_sales FROM sales
        WHERE {_FULL} AND week < DATE '2018-01-01'
        AND department IN ('GROCERY', 'DRUG GM', 'PRODUCE', 'MEAT', 'FUEL', 'DELI') GROUP BY ALL ORDER BY ALL"""
    return _exhibit("months", "Net sales by month", _sql(text, rows), [Dimension("month", grain="month"), DEPARTMENT], "bar")


def _forecast(rows: Rows) -> Exhibit:
    history = _sql(
        "SELECT week, sum(net_sales) AS s FROM sales WHERE week BETWEEN DATE '2017-08-28' AND DATE '2017-12-25' GROUP BY 1 ORDER BY 1", rows
    )
    weeks: list[date] = history.column(0).to_pylist()  # type: ignore[assignment]
    values: list[float] = history.column(1).to_pylist()  # type: ignore[assignment]
    ahead = [weeks[-1] + timedelta(days=7 * step) for step in range(1, 9)]
    mean = sum(values[-6:]) / 6
    middle = [mean * (1 + 0.05 * math.sin(step)) for step in range(8)]
    table = pa.table(
        {
            "week": weeks + ahead,
            "net_sales": values + [None] * 8,
            "forecast": [None] * (len(weeks) - 1) + [values[-1], *middle],
            "low": [None] * (len(weeks) - 1) + [values[-1]] + [value * (0.94 - 0.012 * step) for step, value in enumerate(middle)],
            "high": [None] * (len(weeks) - 1) + [values[-1]] + [value * (1.06 + 0.012 * step) for step, value in enumerate(middle)],
        }
    )
    layers = (
        _layer("area", x="week", y="low", y2="high"),
        _layer("line", x="week", y="net_sales"),
        _layer("line", x="week", y="forecast"),
    )
    words = "Median and 80% interval; error over the last 8 weeks 6.1%, seasonal naive 9.4%."
    return _exhibit("forecast", "Eight-week forecast", table, [WEEK], "line", layers=layers, description=words)


def _promotions(rows: Rows) -> Exhibit:
    table = _sql(
        f"""SELECT week, sum(units)::bigint AS units FROM sales
        WHERE {_FULL} AND department = 'PRODUCE' AND week < DATE '2018-01-01' GROUP BY 1 ORDER BY 1""",
        rows,
    )
    promoted = [1 if index % 9 in (0, 1) else 0 for index in range(table.num_rows)]
    table = table.append_column("promoted", pa.array(promoted))
    units: list[int] = table.column("units").to_pylist()  # type: ignore[assignment]
    mean = sum(units) / table.num_rows
    layers = (
        _layer("line", x="week", y="units"),
        Layer(
            "rule", {"x": (Encoding("week"),), "size": (Encoding("promoted", title=Text({"en": "Promotion week", "de": "Aktionswoche"})),)}
        ),
        Layer("rule", {"y": (Encoding(value=mean, title=Text({"en": "Mean", "de": "Mittel"})),)}),
    )
    words = "Marks on the axis: weeks with a promotion."
    return _exhibit(
        "promotions", "Produce units and promotion weeks", table, [WEEK], "line", layers=layers, finding="latest_change", description=words
    )


def _groups(rows: Rows) -> Exhibit:
    table = pa.table({"store_group": ["North", "South", "West", "East"], "share": [0.412, 0.283, 0.187, 0.118]})
    return _exhibit("groups", "Share by store group", table, [Dimension("store_group", "stores.store_group")], "bar")


def _two_layers(rows: Rows) -> Exhibit:
    table = pa.table(
        {"quarter": ["Q1", "Q2", "Q3", "Q4"], "net_sales": [1.02e6, 1.11e6, 1.18e6, 1.29e6], "forecast": [1.05e6, 1.1e6, 1.15e6, 1.2e6]}
    )
    layers = (_layer("bar", x="quarter", y="net_sales"), _layer("bar", x="quarter", y="forecast"))
    return _exhibit("pairs", "Sales against forecast", table, [Dimension("quarter", "t.quarter")], "bar", layers=layers)


def _scatter(rows: Rows) -> Exhibit:
    text = """SELECT department, avg(net_sales / units) AS net_sales, sum(units)::bigint AS units FROM sales
        GROUP BY 1 HAVING sum(units) BETWEEN 500 AND 400000"""
    layer = Layer("point", {"x": (Encoding("units", type="quantitative", scale_type="log"),), "y": (Encoding("net_sales"),), "color": ()})
    return _exhibit("scatter", "Price against units", _sql(text, rows), [DEPARTMENT], "point", layers=(layer,))


def _table(rows: Rows) -> Exhibit:
    return _exhibit("rows", "Transactions", rows.rows, [], "table", state="rows", masked=("household_id",))


def _states(rows: Rows) -> tuple[tuple[Exhibit, ...], ...]:
    weekly, shares, number = _weekly(rows), _shares(rows), _numbers(rows)[0]
    table = _exhibit(
        "t",
        "Top departments",
        _sql(
            "SELECT department, sum(net_sales) AS net_sales, sum(units)::bigint AS units FROM sales GROUP BY 1 ORDER BY 2 DESC LIMIT 6",
            rows,
        ),
        [DEPARTMENT],
        "table",
    )
    nothing = PanelData(weekly.data.columns, weekly.data.table.slice(0, 0))
    return (
        tuple(_named(number, f"{state}-n", state) for state in ("loading", "fresh", "cached", "stale")),
        (_named(weekly, "loading-l", "loading"), _named(weekly, "fresh-l", "fresh")),
        (_named(shares, "loading-b", "loading"), _named(shares, "cached-b", "cached")),
        (_named(table, "loading-t", "loading"), _named(table, "stale-t", "stale")),
        (_named(weekly, "stale-l", "stale"), _named(weekly, "summary-l", "summary")),
        (_named(weekly, "failed-l", "failed"), msgspec.structs.replace(_named(weekly, "empty-l", "fresh"), data=nothing)),
        (_filtered(weekly, nothing), _named(number, "failed-n", "failed")),
    )


def _filtered(exhibit: Exhibit, nothing: PanelData) -> Exhibit:
    return Exhibit(msgspec.structs.replace(exhibit.panel, name="empty-f", filters=("department",)), nothing)


def _named(exhibit: Exhibit, name: str, state: str) -> Exhibit:
    return msgspec.structs.replace(exhibit, panel=msgspec.structs.replace(exhibit.panel, name=name), state=state)


def _edge(rows: Rows) -> tuple[tuple[Exhibit, ...], ...]:
    weeks = [date(2017, 1, 2) + timedelta(days=7 * index) for index in range(26)]
    gaps = pa.table(
        {"week": weeks, "net_sales": [None if index in (5, 6, 13, 20) else 500 + 90 * math.sin(index / 3) for index in range(26)]}
    )
    below = pa.table({"week": weeks, "net_sales": [300 * math.cos(index / 4) for index in range(26)]})
    steep = pa.table({"week": weeks, "net_sales": [10 ** (index / 5) for index in range(26)]})
    log = (Layer("line", {"x": (Encoding("week"),), "y": (Encoding("net_sales", scale_type="log"),)}),)
    many = [
        (week, f"Series {letter}", 100 + 40 * place + 12 * math.sin(index / 4 + place))
        for index, week in enumerate(weeks)
        for place, letter in enumerate("ABCDEFGHIJK")
    ]
    crowd = pa.table({"week": [row[0] for row in many], "department": [row[1] for row in many], "net_sales": [row[2] for row in many]})
    near = [
        (week, name, 100 + place + math.sin(index / 3))
        for index, week in enumerate(weeks)
        for place, name in enumerate(("Alpha", "Beta", "Gamma", "Delta"))
    ]
    close = pa.table({"week": [row[0] for row in near], "department": [row[1] for row in near], "net_sales": [row[2] for row in near]})
    names = pa.table(
        {
            "department": [
                '<b>Fett & "billig"</b>',
                "خضروات وفواكه",
                "日用雑貨と食料品",
                "🥑 Avocado",
                "Lebensmitteleinzelhandelsgesellschaft mbH & Co. KG",
                None,
            ],
            "net_sales": [42.0, 31.5, 28.0, 12.25, 9.0, 3.0],
        }
    )
    one = pa.table({"week": weeks[:1], "net_sales": [1234.5]})
    days = [date(2017, 10, 1) + timedelta(days=index) for index in range(92)]
    daily = pa.table({"day": days, "units": [2000 + 600 * ((index % 7) in (5, 6)) + 90 * math.sin(index / 9) for index in range(92)]})
    bars = pa.table({"week": [*weeks, date(2018, 1, 1)], "net_sales": [300 * math.cos(index / 4) for index in range(27)]})
    return (
        (_exhibit("gaps", "Missing weeks are gaps", gaps, [WEEK], "line"), _exhibit("below", "Below zero", below, [WEEK], "area")),
        (_exhibit("log", "A log scale", steep, [WEEK], "line", layers=log), _exhibit("nbars", "Bars below zero", bars, [WEEK], "bar")),
        (
            _exhibit("crowd", "Eleven series", crowd, [WEEK, DEPARTMENT], "line", height=300),
            _exhibit("close", "Ends that meet", close, [WEEK, DEPARTMENT], "line", height=300),
        ),
        (_exhibit("names", "Names from everywhere", names, [DEPARTMENT], "bar"), _exhibit("one", "One row", one, [WEEK], "line")),
        (_exhibit("daily", "Days over a quarter", daily, [Dimension("day", grain="day")], "bar"),),
        (_exhibit("tnames", "The same in a table", names, [DEPARTMENT], "table"), _exhibit("onebar", "One bar", one, [WEEK], "bar")),
    )  # fmt: skip


def _layer(mark: Mark, **fields: str) -> Layer:
    channels: dict[Channel, tuple[Encoding, ...]] = {}
    for channel, name in fields.items():
        channels[channel] = (Encoding(name),)  # type: ignore[index]
    return Layer(mark, channels)


def _exhibit(
    name: str, title: str, table: pa.Table, by: Sequence[Dimension], mark: Mark, *, layers: tuple[Layer, ...] = (), finding: Finding = "",
    description: str = "", height: int = 240, state: str = "fresh", compare: Literal["", "previous", "year_ago"] = "",
    masked: tuple[str, ...] = (),
) -> Exhibit:  # fmt: skip
    dimensions = {each.name for each in by}
    columns = tuple(_column(field, dimensions, raw=not by, masked=field.name in masked) for field in table.schema)
    metrics = tuple(column.name for column in columns if column.role == "metric")
    query = MetricQuery(metrics, tuple(by)) if by else RowsQuery("transactions", tuple(table.column_names), ())
    chart = Chart(layers or (Layer(mark),), height)
    words = Text({"en": description}) if description else Text({})
    made = Panel(
        name, Text({"en": title}), query, chart, description=words, finding=finding, compare=Comparison(compare) if compare else None
    )
    return Exhibit(made, PanelData(columns, table), state)


def _column(field: pa.Field[pa.DataType], dimensions: set[str], *, raw: bool, masked: bool) -> Column:
    english = field.name.replace("_", " ").capitalize()
    label = Text({"en": english, "de": _GERMAN.get(field.name, english)})
    role = "field" if raw else "dimension" if field.name in dimensions else "metric"
    return Column(field.name, _TYPES.get(str(field.type), "String"), label, _FORMATS.get(field.name, Format()), role, masked)
