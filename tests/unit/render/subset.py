"""Charts as authors write them: read and checked like an app's, then drawn over a few rows with everything in them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa
from jsonschema import Draft202012Validator
from tests.unit.render.factory import column, context

from seawall.app.charts import read_chart
from seawall.app.faults import Fault, Report
from seawall.app.model import Dimension, Format, MetricQuery, Panel, Semantics, Text
from seawall.app.queries import Asked
from seawall.app.schema_chart import chart_definitions
from seawall.app.schema_parts import text_schema
from seawall.app.schema_semantic import format_schema
from seawall.app.shape import shaped
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Mark, Node
from seawall.ui.charts.data import PanelData
from seawall.ui.render.panel import panel_fragment

DEFINITIONS = {**chart_definitions(), "text": text_schema(), "format": format_schema()}
VALIDATOR = Draft202012Validator({"$ref": "#/$defs/chart", "$defs": DEFINITIONS})
METRICS = ("revenue", "cost", "low", "high", "promoted", "ended")
QUERY = MetricQuery(METRICS, (Dimension("week", grain="week"), Dimension("region", "stores.region")))
KINDS = {"week": "temporal", "region": "nominal", "ended": "temporal"} | dict.fromkeys(METRICS[:5], "quantitative")
REGIONS = ("South", "East", "North")
"""The largest first; neither as the rows have them nor by the alphabet."""


def rows(weeks: int = 4) -> PanelData:
    """Each week and region, with a quantity, a range around it and a later date."""
    days = [date(2017, 1, 2) + timedelta(days=7 * (index * 3 % 4 if weeks == 4 else index)) for index in range(weeks)]
    made = [(day, name) for day in days for name in ("North", "South", "East")]
    base = [640.0 + 25.0 * ("North", "East", "South").index(name) + 7.0 * place for place, (_, name) in enumerate(made)]
    table = pa.table(
        {
            "week": pa.array([day for day, _ in made], pa.date32()),
            "region": [name for _, name in made],
            "revenue": base,
            "cost": [1400.0 - value + 11 * (place % 3) for place, value in enumerate(base)],
            "low": [value - 6.5 for value in base],
            "high": [value + 9.5 for value in base],
            "promoted": [float(day.day % 2 and name != "East") for day, name in made],
            "ended": pa.array([day + timedelta(days=3 + place % 2) for place, (day, _) in enumerate(made)], pa.date32()),
        }
    )
    times = Format(style="week")
    columns = (
        column("week", "Date", "dimension", format=times),
        column("region", "String", "dimension", format=Format()),
        *(column(name) for name in METRICS[:5]),
        column("ended", "Date", format=Format(style="date")),
    )
    return PanelData(columns, table)


def read(written: dict[str, Any]) -> tuple[Panel, tuple[Fault, ...]]:
    """A chart as `seawall check` reads it, and what is wrong with it."""
    return _read(plain(written))


@cache
def _read(text: str) -> tuple[Panel, tuple[Fault, ...]]:
    report = Report()
    node = shaped(_node(msgspec.json.decode(text)), VALIDATOR, report)
    words = Vocabulary(Semantics({}, (), {}), {}, report)
    chart = read_chart(node, node, Asked(QUERY, ("sales",), KINDS), words)
    return Panel("sales", Text({"en": "Sales"}), QUERY, chart), report.faults()


def drawn(written: dict[str, Any], data: PanelData | None = None) -> str:
    """The panel's fragment: its legend, its chart with all that tooltips say, its note. The chart must be sound."""
    if data is None:
        return _drawn(plain(written))
    panel, faults = read(written)
    assert not faults, [str(fault) for fault in faults]
    return str(panel_fragment(panel, data, context()))


@cache
def _drawn(text: str) -> str:
    return drawn(msgspec.json.decode(text), rows())


def _node(value: Any, where: str = "chart", key: Mark | None = None) -> Node:
    """A tree in which every key has a place."""
    place = Mark("app.yaml", 1 + where.count("."), 1 + len(where))
    if isinstance(value, dict):
        children: Any = {name: _node(child, f"{where}.{name}", Mark("app.yaml", 2, len(where))) for name, child in value.items()}
    elif isinstance(value, list):
        children = [_node(child, f"{where}[{index}]") for index, child in enumerate(value)]
    else:
        children = value
    return Node(children, place, where, key)


def plain(written: dict[str, Any]) -> str:
    """A chart in a line, for messages."""
    return msgspec.json.encode(written).decode()
