"""What the data API answers: in which format, and in JSON in which shape (`openapi.py` describes them), made from rows of Arrow."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pyarrow as pa

from seawall.core.errors import InvalidInput
from seawall.query.decimals import plain
from seawall.query.port import Column
from seawall.ui.negotiate import FORMATS, format_of
from seawall.ui.problems import NotAcceptable
from seawall.ui.render.detail import Fact
from seawall.ui.row_details import RowFound

_encoder = msgspec.json.Encoder(decimal_format="number", order=None)


class ColumnOut(msgspec.Struct, frozen=True):
    """One column, as JSON tells it."""

    name: str
    label: str
    datatype: str
    role: str
    masked: bool


class AnswerOut(msgspec.Struct, frozen=True):
    """The JSON answer. `next` is the cursor of the next page of rows."""

    panel: str
    watermark: str
    as_of: date | None
    columns: tuple[ColumnOut, ...]
    rows: list[dict[str, object]]
    next: str | None = None
    total: int | None = None
    total_exact: bool | None = None
    keys: list[str] | None = None
    """Of row panels: what names each of `rows` in `/rows/{key}`."""
    degraded: str | msgspec.UnsetType | None = msgspec.UNSET
    """Of panels of similar rows: `words` when what is similar could not be worked out, and these are found by the words they share."""


class FieldOut(msgspec.Struct, frozen=True):
    """A field of a row told in full, as JSON tells it."""

    name: str
    dataset: str
    label: str
    definition: str
    datatype: str
    masked: bool


class RowOut(msgspec.Struct, frozen=True):
    """The JSON answer about one row."""

    panel: str
    watermark: str
    as_of: date | None
    fields: tuple[FieldOut, ...]
    row: dict[str, object]


def file_format(chosen: str, accept: str) -> str:
    """`json`, `csv`, `arrow` or `parquet`: what the URL chose, else what the Accept header prefers. InvalidInput, NotAcceptable."""
    if chosen and chosen not in FORMATS:
        raise InvalidInput("The parameter 'format' has the wrong value", expected="one of " + ", ".join(FORMATS), got=chosen[:40])
    found = chosen or format_of(accept)
    if not found:
        raise NotAcceptable(expected="one of " + ", ".join(FORMATS.values()), got=accept[:200])
    return found


def encode(answer: AnswerOut | RowOut) -> bytes:
    """As JSON: decimals as numbers, as they are written."""
    return _encoder.encode(answer)


def answer_of(panel: str, locale: str, columns: tuple[Column, ...], table: pa.Table, watermark: str, as_of: date | None) -> AnswerOut:
    """The answer with all rows of a table, whose columns correspond to `columns` one to one."""
    told = tuple(ColumnOut(each.name, each.label.in_locale(locale), each.datatype, each.role, each.masked) for each in columns)
    return AnswerOut(panel, watermark, as_of, told, _rows(table))


def row_of(panel: str, locale: str, found: RowFound) -> RowOut:
    """The answer about a row that was found."""
    told = tuple(_field_out(fact, locale) for fact in found.facts)
    row = {fact.column.name: _plain(fact.value) for fact in found.facts}
    return RowOut(panel, found.watermark, found.as_of, told, row)


def _rows(table: pa.Table) -> list[dict[str, object]]:
    """The rows, with decimals as people write them."""
    rows: list[dict[str, object]] = table.to_pylist()
    for name in [field.name for field in table.schema if pa.types.is_decimal(field.type)]:
        for row in rows:
            row[name] = _plain(row[name])
    return rows


def _plain(value: object) -> object:
    return plain(value) if isinstance(value, Decimal) else value


def _field_out(fact: Fact, locale: str) -> FieldOut:
    column, field = fact.column, fact.field
    label, definition = column.label.in_locale(locale), field.definition.in_locale(locale)
    return FieldOut(column.name, field.dataset, label, definition, column.datatype, column.masked)
