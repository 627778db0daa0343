"""What a question wants beyond one query's rows: a ratio of two metrics, a second period beside the first. Pure, on Arrow tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from seawall.app.model import Format, Text
from seawall.ask.meeting import Meeting, Pair
from seawall.ask.question import Question
from seawall.query.port import Column

RATIO = "ratio"
BEFORE = "before"
CHANGE = "change"
PERIOD = "period"
"""The column of two numbers' times, as addresses write them; ALL_TIME where one names none."""
ALL_TIME = "all time"
_BEFORE = {"en": "{metric} before", "de": "{metric} zuvor"}
_AT = {"en": "{metric}, {time}", "de": "{metric}, {time}"}
_CHANGE = Text({"en": "Change", "de": "Änderung"})
_CHANGE_OF = {"en": "{metric} change", "de": "{metric}, Änderung"}
_PER = {"en": "{first} per {second}", "de": "{first} je {second}"}
LOCALES = tuple(_PER)
"""Languages that our own columns are named in."""
Cell = Any


class Rows(msgspec.Struct, frozen=True):
    """Columns and rows that belong together, as `PanelData` wants them."""

    columns: tuple[Column, ...]
    table: pa.Table


def computed(question: Question) -> tuple[str, ...]:
    """The names of the columns that are made of the rows: a ratio, and of what is compared every change."""
    ratio = (RATIO,) if question.ratio else ()
    if not question.compare:
        return ratio
    others = () if question.ratio else question.metrics[1:]
    return (*ratio, CHANGE, *(f"{CHANGE}_{name}" for name in others))


def with_ratio(rows: Rows) -> Rows:
    """The first metric over the second as one more metric, which stands first. Nothing where the second is nothing or zero."""
    first, second = [column for column in rows.columns if column.role == "metric"][:2]
    over = rows.table.column(second.name).to_pylist()
    values = [_divided(one, two) for one, two in zip(rows.table.column(first.name).to_pylist(), over, strict=True)]
    label = _joined(_PER, first=first.label, second=second.label)
    made = Column(RATIO, "Float", label, _ratio_format(first, second), "metric", first.masked or second.masked, first.better)
    return _inserted(rows, made, pa.array(values, pa.float64()))


def beside(now: Rows, before: Rows, *, in_order: bool = False, time: Text | None = None, meeting: Meeting | None = None) -> Rows:
    """Every metric of both, each with its value at the other time and its change.

    Rows meet where their dimensions are equal; with a `meeting` those of time where it says so; `in_order`: by place, for spans of time
    that have no ends. The first metric's columns are `before` and `change`, those of another `before_<metric>` and `change_<metric>`.
    `time`: how another time than the one before is called.
    """
    keys = [column for column in now.columns if column.role == "dimension"]
    metrics = [column for column in now.columns if column.role == "metric"]
    met = _met(now, before, [column.name for column in keys], in_order=in_order, meeting=meeting)
    made = [(key, _keys(now, before, key.name, met, meeting), now.table.schema.field(key.name).type) for key in keys]
    for place, metric in enumerate(metrics):
        first = _picked(now, metric.name, [one for one, _ in met])
        second = _picked(before, metric.name, [two for _, two in met])
        type_, tail = now.table.schema.field(metric.name).type, f"_{metric.name}" if place else ""
        made += [
            (metric, first, type_),
            (_other(metric, BEFORE + tail, time), second, type_),
            (_changed(metric, CHANGE + tail, alone=len(metrics) == 1), list(map(_change, first, second)), pa.float64()),
        ]
    table = pa.table({column.name: pa.array(values, type_) for column, values, type_ in made})
    return Rows(tuple(column for column, _, _ in made), table)


def without_changes(rows: Rows, question: Question) -> Rows:
    """What is compared stands side by side, and nothing is said of the difference."""
    table = rows.table
    for name in computed(question):
        if name in table.column_names and name != RATIO:
            place = table.column_names.index(name)
            table = table.set_column(place, table.schema.field(name), pa.nulls(table.num_rows, table.schema.field(name).type))
    return Rows(rows.columns, table)


def first_metric(rows: Rows) -> Rows:
    """Without the metrics after the first."""
    metrics = [column.name for column in rows.columns if column.role == "metric"][1:]
    return Rows(tuple(column for column in rows.columns if column.name not in metrics), rows.table.drop_columns(metrics))


def one_above_other(now: Rows, before: Rows, times: tuple[str, str]) -> Rows:
    """Two single rows as two rows of one table, each beside its time."""
    metric = next(column for column in now.columns if column.role == "metric")
    name = Column(PERIOD, "String", Text({"en": "Period", "de": "Zeitraum"}), Format(style="text"), "dimension")
    values = [rows.table.column(metric.name)[0].as_py() if rows.table.num_rows else None for rows in (now, before)]
    field = now.table.schema.field(metric.name)
    table = pa.table({PERIOD: list(times), metric.name: pa.array(values, field.type)})
    return Rows((name, metric), table)


def trimmed(rows: Rows) -> Rows:
    """Over time, without the periods before the first and after the last one of which something is known."""
    metrics = [rows.table.column(column.name).to_pylist() for column in rows.columns if column.role == "metric"]
    dates = rows.table.column(0).to_pylist()
    known = [day for day, *values in zip(dates, *metrics, strict=True) if day is not None and any(value is not None for value in values)]
    if not metrics or len(known) == len(dates):
        return rows
    kept = [place for place, day in enumerate(dates) if known and (day is None or min(known) <= day <= max(known))]
    return Rows(rows.columns, rows.table.take(pa.array(kept, pa.int64())))


def ordered(rows: Rows, question: Question) -> Rows:
    """Sorted and cut as the question says, for columns that no database knows; those without a value come last."""
    names = {column.name for column in rows.columns}
    places = list(range(rows.table.num_rows))
    for order in reversed([one for one in question.order if one.name in names]):
        values = rows.table.column(order.name).to_pylist()
        there = [place for place in places if values[place] is not None]
        there.sort(key=lambda place, values=values: values[place], reverse=order.descending)  # type: ignore[misc]
        places = there + [place for place in places if values[place] is None]
    return Rows(rows.columns, rows.table.take(pa.array(places[: question.limit], pa.int64())))


def _other(metric: Column, name: str, time: Text | None) -> Column:
    label = _joined(_AT, metric=metric.label, time=time) if time else _joined(_BEFORE, metric=metric.label)
    return Column(name, metric.datatype, label, metric.format, "metric", metric.masked)


def _changed(metric: Column, name: str, *, alone: bool) -> Column:
    label = _CHANGE if alone else _joined(_CHANGE_OF, metric=metric.label)
    return Column(name, "Float", label, Format(style="percent", decimals=1), "metric", metric.masked, metric.better)


def _met(now: Rows, before: Rows, names: Sequence[str], *, in_order: bool, meeting: Meeting | None) -> list[Pair]:
    if meeting is not None:
        first, second = ([rows.table.column(name).to_pylist() for name in names] for rows in (now, before))
        return meeting.met(names, first, second)
    return list(_by_place(now, before) if in_order else _by_key(now, before, names))


def _by_key(now: Rows, before: Rows, keys: Sequence[str]) -> Iterator[Pair]:
    first, second = _places(now.table, keys), _places(before.table, keys)
    for key in first | second:
        yield first.get(key), second.get(key)


def _places(table: pa.Table, keys: Sequence[str]) -> dict[tuple[Cell, ...], int]:
    """Where each group stands; without dimensions there is one."""
    found = [table.column(key).to_pylist() for key in keys]
    groups = zip(*found, strict=True) if found else [()] * table.num_rows
    return {group: place for place, group in enumerate(groups)}


def _by_place(now: Rows, before: Rows) -> Iterator[Pair]:
    for place in range(now.table.num_rows):
        yield place, place if place < before.table.num_rows else None


def _keys(now: Rows, before: Rows, name: str, met: Sequence[Pair], meeting: Meeting | None) -> list[Cell]:
    """A dimension's values: of now, and of before where there is nothing now."""
    first, second = (_picked(rows, name, [pair[place] for pair in met]) for place, rows in enumerate((now, before)))
    if meeting is not None and name in meeting.columns:
        second = list(map(meeting.called, second))
    return [other if pair[0] is None else own for own, other, pair in zip(first, second, met, strict=True)]


def _picked(rows: Rows, name: str, places: Iterable[int | None]) -> list[Cell]:
    values = rows.table.column(name).to_pylist()
    return [None if place is None else values[place] for place in places]


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
