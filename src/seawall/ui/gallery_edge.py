"""The room of the gallery with data that is hard to draw: gaps, negative numbers, many series, names from everywhere."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pyarrow as pa

from seawall.app.model import Dimension, Encoding, Layer
from seawall.ui.gallery_exhibit import DEPARTMENT, WEEK, Exhibit, exhibit


def difficult() -> tuple[tuple[Exhibit, ...], ...]:
    """Its rows."""
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
        (exhibit("gaps", "Missing weeks are gaps", gaps, [WEEK], "line"), exhibit("below", "Below zero", below, [WEEK], "area")),
        (exhibit("log", "A log scale", steep, [WEEK], "line", layers=log), exhibit("nbars", "Bars below zero", bars, [WEEK], "bar")),
        (
            exhibit("crowd", "Eleven series", crowd, [WEEK, DEPARTMENT], "line", height=300),
            exhibit("close", "Ends that meet", close, [WEEK, DEPARTMENT], "line", height=300),
        ),
        (exhibit("names", "Names from everywhere", names, [DEPARTMENT], "bar"), exhibit("one", "One row", one, [WEEK], "line")),
        (exhibit("daily", "Days over a quarter", daily, [Dimension("day", grain="day")], "bar"),),
        (exhibit("tnames", "The same in a table", names, [DEPARTMENT], "table"), exhibit("onebar", "One bar", one, [WEEK], "bar")),
    )  # fmt: skip
