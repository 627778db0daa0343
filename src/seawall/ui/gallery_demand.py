"""The room of the gallery that looks like an app's page: every mark over a year of real sales."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pyarrow as pa

from seawall.app.model import Dimension, Encoding, Layer, Text
from seawall.ui.gallery_data import Rows
from seawall.ui.gallery_exhibit import DEPARTMENT, WEEK, Exhibit, exhibit, layer, query_sales

_FULL = "week >= DATE '2017-01-02'"


def demand(rows: Rows) -> tuple[tuple[Exhibit, ...], ...]:
    """Its rows."""
    return (
        numbers(rows),
        (weekly(rows), _by_department(rows)),
        (shares(rows), _movers(rows)),
        (_stacked(rows), _stacked_bars(rows)),
        (_forecast(rows), _promotions(rows)),
        (_groups(rows), _two_layers(rows), _scatter(rows)),
        (_table(rows),),
    )


def numbers(rows: Rows) -> tuple[Exhibit, ...]:
    """The big numbers."""
    made = []
    specs = (
        ("net_sales", "Net sales", "sum(net_sales)"),
        ("units", "Units", "sum(units)::bigint"),
        ("basket", "Basket size", "sum(net_sales) / sum(baskets)"),
        ("share", "Discount rate", "sum(discount) / sum(net_sales + discount)"),
    )
    for name, title, expression in specs:
        table = query_sales(f"SELECT week, {expression} AS {name} FROM sales WHERE {_FULL} GROUP BY 1 ORDER BY 1", rows)
        words = "Latest complete week"
        made.append(exhibit(f"n-{name}", title, table, [WEEK], "number", description=words, compare="previous"))
    return tuple(made)


def weekly(rows: Rows) -> Exhibit:
    """One line."""
    table = query_sales(f"SELECT week, sum(net_sales) AS net_sales FROM sales WHERE {_FULL} GROUP BY 1 ORDER BY 1", rows)
    words = "Sales value after discounts, all stores."
    return exhibit("weekly", "Net sales by week", table, [WEEK], "line", finding="peak", description=words)


def _by_department(rows: Rows) -> Exhibit:
    text = (
        f"SELECT week, department, net_sales FROM sales WHERE {_FULL} AND department IN ('DRUG GM', 'PRODUCE', 'MEAT', 'FUEL') ORDER BY ALL"
    )
    words = "Four departments, sales value after discounts."
    return exhibit(
        "lines", "Net sales by department", query_sales(text, rows), [WEEK, DEPARTMENT], "line", finding="latest_change", description=words
    )


def shares(rows: Rows) -> Exhibit:
    """Bars, the longest first."""
    table = query_sales(
        "SELECT department, sum(net_sales) AS net_sales FROM sales GROUP BY 1 HAVING sum(net_sales) > 18000 ORDER BY 2 DESC", rows
    )
    return exhibit("shares", "Net sales by department, 2017", table, [DEPARTMENT], "bar", finding="top_share", height=320)


def _movers(rows: Rows) -> Exhibit:
    text = """
        SELECT department, sum(net_sales) FILTER (week BETWEEN DATE '2017-12-01' AND DATE '2017-12-25')
             / sum(net_sales) FILTER (week BETWEEN DATE '2017-11-01' AND DATE '2017-11-27') - 1 AS change
        FROM sales GROUP BY 1 HAVING sum(net_sales) > 15000 ORDER BY 2 DESC"""
    words = "Last four complete weeks against the four before."
    return exhibit(
        "movers",
        "Change in net sales",
        query_sales(text, rows),
        [DEPARTMENT],
        "bar",
        finding="largest_mover",
        height=320,
        description=words,
    )


def _stacked(rows: Rows) -> Exhibit:
    text = f"SELECT week, department, net_sales FROM sales WHERE {_FULL} AND department IN ('GROCERY', 'DRUG GM', 'PRODUCE') ORDER BY ALL"
    return exhibit("areas", "Three departments, stacked", query_sales(text, rows), [WEEK, DEPARTMENT], "area", finding="top_share")


def _stacked_bars(rows: Rows) -> Exhibit:
    text = f"""SELECT date_trunc('month', week)::date AS month, department, sum(net_sales) AS net_sales FROM sales
        WHERE {_FULL} AND week < DATE '2018-01-01'
        AND department IN ('GROCERY', 'DRUG GM', 'PRODUCE', 'MEAT', 'FUEL', 'DELI') GROUP BY ALL ORDER BY ALL"""
    return exhibit("months", "Net sales by month", query_sales(text, rows), [Dimension("month", grain="month"), DEPARTMENT], "bar")


def _forecast(rows: Rows) -> Exhibit:
    history = query_sales(
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
        layer("area", x="week", y="low", y2="high"),
        layer("line", x="week", y="net_sales"),
        layer("line", x="week", y="forecast"),
    )
    words = "Median and 80% interval; error over the last 8 weeks 6.1%, seasonal naive 9.4%."
    return exhibit("forecast", "Eight-week forecast", table, [WEEK], "line", layers=layers, description=words)


def _promotions(rows: Rows) -> Exhibit:
    table = query_sales(
        f"""SELECT week, sum(units)::bigint AS units FROM sales
        WHERE {_FULL} AND department = 'PRODUCE' AND week < DATE '2018-01-01' GROUP BY 1 ORDER BY 1""",
        rows,
    )
    promoted = [1 if index % 9 in (0, 1) else 0 for index in range(table.num_rows)]
    table = table.append_column("promoted", pa.array(promoted))
    units: list[int] = table.column("units").to_pylist()  # type: ignore[assignment]
    mean = sum(units) / table.num_rows
    layers = (
        layer("line", x="week", y="units"),
        Layer(
            "rule", {"x": (Encoding("week"),), "size": (Encoding("promoted", title=Text({"en": "Promotion week", "de": "Aktionswoche"})),)}
        ),
        Layer("rule", {"y": (Encoding(value=mean, title=Text({"en": "Mean", "de": "Mittel"})),)}),
    )
    words = "Marks on the axis: weeks with a promotion."
    return exhibit(
        "promotions", "Produce units and promotion weeks", table, [WEEK], "line", layers=layers, finding="latest_change", description=words
    )


def _groups(rows: Rows) -> Exhibit:
    table = pa.table({"store_group": ["North", "South", "West", "East"], "share": [0.412, 0.283, 0.187, 0.118]})
    return exhibit("groups", "Share by store group", table, [Dimension("store_group", "stores.store_group")], "bar")


def _two_layers(rows: Rows) -> Exhibit:
    table = pa.table(
        {"quarter": ["Q1", "Q2", "Q3", "Q4"], "net_sales": [1.02e6, 1.11e6, 1.18e6, 1.29e6], "forecast": [1.05e6, 1.1e6, 1.15e6, 1.2e6]}
    )
    layers = (layer("bar", x="quarter", y="net_sales"), layer("bar", x="quarter", y="forecast"))
    return exhibit("pairs", "Sales against forecast", table, [Dimension("quarter", "t.quarter")], "bar", layers=layers)


def _scatter(rows: Rows) -> Exhibit:
    text = """SELECT department, avg(net_sales / units) AS net_sales, sum(units)::bigint AS units FROM sales
        GROUP BY 1 HAVING sum(units) BETWEEN 500 AND 400000"""
    layer = Layer("point", {"x": (Encoding("units", type="quantitative", scale_type="log"),), "y": (Encoding("net_sales"),), "color": ()})
    return exhibit("scatter", "Price against units", query_sales(text, rows), [DEPARTMENT], "point", layers=(layer,))


def _table(rows: Rows) -> Exhibit:
    return exhibit("rows", "Transactions", rows.rows, [], "table", state="rows", masked=("household_id",))
