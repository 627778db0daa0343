"""How an exhibit of the gallery is made: a table as a panel would have it, with columns named and formatted by what they are called."""

from __future__ import annotations

from collections.abc import Sequence
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
_DOLLARS = Format(style="currency", currency="USD")
_TYPES: dict[str, DataType] = {
    "date32[day]": "Date", "string": "String", "double": "Float", "int64": "Integer", "timestamp[us]": "DateTime",
}  # fmt: skip
_MONEY = ("net_sales", "discount", "sales_value", "coupon", "low", "high", "forecast", "basket")
_FORMATS = {
    **dict.fromkeys(_MONEY, _DOLLARS), "change": Format(style="percent"), "share": Format(style="percent"),
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


def query_sales(text: str, rows: Rows) -> pa.Table:
    """The answer of a query over the table `sales`."""
    with duckdb.connect() as database:
        database.register("sales", rows.sales)
        made: pa.Table = database.sql(text).to_arrow_table()
        return made


def layer(mark: Mark, **fields: str) -> Layer:
    """A mark with a field on each channel named."""
    channels: dict[Channel, tuple[Encoding, ...]] = {}
    for channel, name in fields.items():
        channels[channel] = (Encoding(name),)  # type: ignore[index]
    return Layer(mark, channels)


def exhibit(
    name: str, title: str, table: pa.Table, by: Sequence[Dimension], mark: Mark, *, layers: tuple[Layer, ...] = (), finding: Finding = "",
    description: str = "", height: int = 240, state: str = "fresh", compare: Literal["", "previous", "year_ago"] = "",
    masked: tuple[str, ...] = (),
) -> Exhibit:  # fmt: skip
    """A table shown by `mark`; grouped `by` nothing it is rows, with some columns masked."""
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
