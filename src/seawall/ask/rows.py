"""What a question wants beyond one query's rows: a ratio of two metrics, a second period beside the first. Pure, on Arrow tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from seawall.app.model import Format, Text
from seawall.ask.question import Question
from seawall.query.port import Column

RATIO = "ratio"
BEFORE = "before"
CHANGE = "change"
_BEFORE = {"en": "{metric} before", "de": "{metric} zuvor"}
_CHANGE = Text({"en": "Change", "de": "Änderung"})
_PER = {"en": "{first} per {second}", "de": "{first} je {second}"}
Cell = Any


class Rows(msgspec.Struct, frozen=True):
    """Columns and rows that belong together, as `PanelData` wants them."""

    columns: tuple[Column, ...]
    table: pa.Table


def with_ratio(rows: Rows) -> Rows:
    """The first metric over the second as one more metric, which stands first. Nothing where the second is nothing or zero."""
    first, second = [column for column in rows.columns if column.role == "metric"][:2]
    over = rows.table.column(second.name).to_pylist()
    values = [_divided(one, two) for one, two in zip(rows.table.column(first.name).to_pylist(), over, strict=True)]
    label = _joined(_PER, first=first.label, second=second.label)
    made = Column(RATIO, "Float", label, _ratio_format(first, second), "metric", first.masked or second.masked, first.better)
    return _inserted(rows, made, pa.array(values, pa.float64()))


def beside(now: Rows, before: Rows, *, in_order: bool) -> Rows:
    """The first metric of both, and its change. Rows meet where their dimensions are equal; `in_order`: by place, for two spans of time."""
    metric = next(column for column in now.columns if column.role == "metric")
    keys = [column for column in now.columns if column.role == "dimension"]
    pairs = _by_place(now, before, metric) if in_order else _by_key(now, before, metric, [column.name for column in keys])
    columns = (
        *keys,
        msgspec.structs.replace(metric, role="metric"),
        Column(BEFORE, metric.datatype, _joined(_BEFORE, metric=metric.label), metric.format, "metric", metric.masked),
        Column(CHANGE, "Float", _CHANGE, Format(style="percent", decimals=1), "metric", metric.masked, metric.better),
    )
    types = [now.table.schema.field(column.name).type for column in (*keys, metric)]
    schema = pa.schema(
        [
            *(pa.field(column.name, type_) for column, type_ in zip((*keys, metric), types, strict=True)),
            pa.field(BEFORE, types[-1]),
            pa.field(CHANGE, pa.float64()),
        ]
    )
    made = [(*key, one, two, _change(one, two)) for key, one, two in pairs]
    listed = [pa.array([row[place] for row in made], field.type) for place, field in enumerate(schema)]
    return Rows(columns, pa.Table.from_arrays(listed, schema=schema))


def one_above_other(now: Rows, before: Rows, times: tuple[Text, Text]) -> Rows:
    """Two single rows as two rows of one table, each under the name of its time."""
    metric = next(column for column in now.columns if column.role == "metric")
    name = Column("period", "String", Text({"en": "Period", "de": "Zeitraum"}), Format(style="text"), "dimension")
    values = [rows.table.column(metric.name)[0].as_py() if rows.table.num_rows else None for rows in (now, before)]
    field = now.table.schema.field(metric.name)
    table = pa.table({"period": [time.in_locale("en") for time in times], metric.name: pa.array(values, field.type)})
    return Rows((name, metric), table)


def ordered(rows: Rows, question: Question) -> Rows:
    """Sorted and cut as the question says, for columns that no database knows; those without a value come last."""
    names = {column.name for column in rows.columns}
    places = list(range(rows.table.num_rows))
    for order in reversed([one for one in question.order if one.name in names]):
        values = rows.table.column(order.name).to_pylist()
        there = [place for place in places if values[place] is not None]
        there.sort(key=lambda place, values=values: values[place], reverse=order.descending)  # type: ignore[misc]
        places = there + [place for place in places if values[place] is None]
    return Rows(rows.columns, rows.table.take(places[: question.limit]))


def _by_key(now: Rows, before: Rows, metric: Column, keys: Sequence[str]) -> Iterable[tuple[tuple[Cell, ...], Cell, Cell]]:
    first, second = _by_dimensions(now.table, metric.name, keys), _by_dimensions(before.table, metric.name, keys)
    for key in first | second:
        yield key, first.get(key), second.get(key)


def _by_dimensions(table: pa.Table, metric: str, keys: Sequence[str]) -> dict[tuple[Cell, ...], Cell]:
    found = [table.column(key).to_pylist() for key in keys]
    return dict(zip(zip(*found, strict=True) if found else [()] * table.num_rows, table.column(metric).to_pylist(), strict=True))


def _by_place(now: Rows, before: Rows, metric: Column) -> Iterable[tuple[tuple[Cell, ...], Cell, Cell]]:
    key = next(column.name for column in now.columns if column.role == "dimension")
    times, values = now.table.column(key).to_pylist(), now.table.column(metric.name).to_pylist()
    earlier = before.table.column(metric.name).to_pylist()
    for place, (time, value) in enumerate(zip(times, values, strict=True)):
        yield (time,), value, earlier[place] if place < len(earlier) else None


def _inserted(rows: Rows, column: Column, values: pa.Array[Any]) -> Rows:
    place = sum(one.role == "dimension" for one in rows.columns)
    columns = (*rows.columns[:place], column, *rows.columns[place:])
    return Rows(columns, rows.table.add_column(place, column.name, values))


def _ratio_format(first: Column, second: Column) -> Format:
    if first.format.style == "currency" and second.format.style != "currency":
        return msgspec.structs.replace(first.format, decimals=2, compact=False)
    return Format(style="number", decimals=2)


def _joined(patterns: Mapping[str, str], **words: Text) -> Text:
    make: Callable[[str], str] = lambda locale: patterns[locale].format(**{name: text.in_locale(locale) for name, text in words.items()})  # noqa: E731
    return Text({locale: make(locale) for locale in patterns})


def _divided(one: Cell, two: Cell) -> float | None:
    return float(one) / float(two) if one is not None and two else None


def _change(one: Cell, two: Cell) -> float | None:
    return float(one) / float(two) - 1 if one is not None and two else None
