"""Answers on a terminal or in a pipe: a table for people; JSON, CSV and Arrow for programs.

Values are data: control characters are shown, never sent to the terminal, and in CSV text that a spreadsheet would run
is defused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import BinaryIO

import click
import msgspec
import sqlglot

from seawall.query.decimals import plain, shortened
from seawall.query.open_query import Moment
from seawall.query.port import Compiled, empty_batch
from seawall.query.service import Answer
from seawall.ui.export import ArrowEncoder, CsvEncoder, Encoder

WIDTH_MAX = 60
"""Characters of a cell; longer texts end in an ellipsis."""
_NUMBERS = (int, float, Decimal)


def print_table(answer: Answer, out: BinaryIO) -> None:
    """Aligned columns, numbers to the right, and a line that says what was read."""
    rows = answer.table.to_pylist()
    cells = [[column.name for column in answer.columns], *([_cell(row[column.name]) for column in answer.columns] for row in rows)]
    right = [any(isinstance(row[column.name], _NUMBERS) for row in rows) for column in answer.columns]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        aligned = (_aligned(cell, width, to_the_right) for cell, width, to_the_right in zip(line, widths, right, strict=True))
        out.write(("  ".join(aligned).rstrip() + "\n").encode())
    masked = [column.name for column in answer.columns if column.masked]
    hidden = f", hidden here: {', '.join(masked)}" if masked else ""
    click.echo(f"{len(rows)} row{'' if len(rows) == 1 else 's'}, generation {answer.watermark or 'live'}{hidden}", err=True)


def print_json(answer: Answer, out: BinaryIO) -> None:
    """An array of objects on one line; decimals are numbers, without zeros at their ends."""
    rows = [
        {name: plain(value) if isinstance(value, Decimal) else value for name, value in row.items()} for row in answer.table.to_pylist()
    ]
    out.write(msgspec.json.Encoder(decimal_format="number").encode(rows) + b"\n")


def print_csv(answer: Answer, out: BinaryIO) -> None:
    """RFC 4180 with a header; decimals with the places that the column needs."""
    _encode(CsvEncoder(), msgspec.structs.replace(answer, table=shortened(answer.table)), out)


def print_arrow(answer: Answer, out: BinaryIO) -> None:
    """An Arrow IPC stream."""
    _encode(ArrowEncoder(), answer, out)


def print_explained(compiled: Compiled, moment: Moment) -> None:
    """The statement as people read it, and what is bound to it."""
    dialect = "postgres" if compiled.engine == "operational" else "duckdb"
    click.echo(sqlglot.transpile(compiled.sql, read=dialect, write=dialect, pretty=True)[0])
    for number, value in enumerate(compiled.parameters, 1):
        click.echo(f"-- ${number} = {value!r}")
    click.echo(f"-- engine {compiled.engine}, generation {moment.watermark or 'live'}, as of {moment.as_of}")


def print_explained_json(compiled: Compiled, moment: Moment) -> None:
    """The same for programs."""
    told = {
        "sql": compiled.sql,
        "parameters": list(compiled.parameters),
        "engine": compiled.engine,
        "generation": moment.watermark,
        "as_of": moment.as_of,
    }
    click.echo(msgspec.json.Encoder(decimal_format="number").encode(told).decode())


PRINTERS: dict[str, Callable[[Answer, BinaryIO], None]] = {
    "table": print_table,
    "json": print_json,
    "csv": print_csv,
    "arrow": print_arrow,
}
"""Format → how it is written."""


def _encode(encoder: Encoder, answer: Answer, out: BinaryIO) -> None:
    batches = answer.table.to_batches() or [empty_batch(answer.table.schema)]
    out.write(encoder.open(batches[0]))
    for batch in batches:
        out.write(encoder.rows(batch))
    out.write(encoder.close())
    out.flush()


def _cell(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, float | Decimal):
        return f"{value:,.2f}"
    if isinstance(value, bool) or not isinstance(value, int):
        return _text(
            value.isoformat(" ") if isinstance(value, datetime) else value.isoformat() if isinstance(value, date | time) else value
        )
    return str(value)


def _text(value: object) -> str:
    """Text without control characters, cut to the widest cell."""
    text = "".join(char if unicodedata.category(char)[0] != "C" else "�" for char in str(value)[: WIDTH_MAX + 1])
    return text if len(text) <= WIDTH_MAX else text[: WIDTH_MAX - 1] + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _aligned(text: str, width: int, to_the_right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if to_the_right else text + space
