"""Files made of Arrow batches, defused for spreadsheets."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.ui.export import ENCODERS, defused, encoded

BATCH = pa.RecordBatch.from_pylist(
    [
        {"name": "=1+1", "amount": -1.5, "day": date(2017, 1, 1), "price": Decimal("-2.50"), "tags": ["=x"]},
        {"name": '<b>"quoted", yes</b>', "amount": 2.0, "day": None, "price": None, "tags": None},
    ]
)


async def batches(*given: pa.RecordBatch) -> AsyncIterator[pa.RecordBatch]:
    for batch in given:
        yield batch


async def export(format: str, *given: pa.RecordBatch) -> bytes:
    return b"".join([piece async for piece in encoded(batches(*given), ENCODERS[format]())])


async def test_csv_defuses_text_and_leaves_numbers() -> None:
    """A negative number stays a number; a formula becomes text."""
    lines = list(csv.reader(io.StringIO((await export("csv", BATCH, BATCH)).decode())))
    assert lines[0] == ["name", "amount", "day", "price", "tags"]
    assert lines[1] == ["'=1+1", "-1.5", "2017-01-01", "-2.50", "['=x']"]
    assert lines[2][0] == '<b>"quoted", yes</b>'
    assert len(lines) == 5


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
async def test_parquet_defuses_every_formula_start(start: str) -> None:
    """People open Parquet in spreadsheets, too."""
    batch = pa.RecordBatch.from_pylist([{"a": start + "cmd"}, {"a": "x" + start}, {"a": None}])
    table = pq.read_table(io.BytesIO(await export("parquet", batch)))
    assert table.to_pydict() == {"a": ["'" + start + "cmd", "x" + start, None]}


async def test_arrow_stays_exact() -> None:
    """Programs get what the database said."""
    table = pyarrow.ipc.open_stream(await export("arrow", BATCH, BATCH)).read_all()
    assert table.to_batches()[0].equals(BATCH)
    assert table.num_rows == 4


@pytest.mark.parametrize("format", list(ENCODERS))
async def test_no_rows_make_a_valid_file(format: str) -> None:
    """An empty answer still has its columns."""
    made = await export(format, BATCH.slice(0, 0))
    assert b"name" in made


async def test_dictionary_columns_are_defused() -> None:
    """An encoding of the database's choice hides no formula."""
    column = pa.array(["=a", "b", "=a"]).dictionary_encode()
    assert (await export("csv", pa.RecordBatch.from_arrays([column], names=["=h"]))).decode().splitlines()[:2] == ['"\'=h"', '"\'=a"']


@given(st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=6))
def test_no_text_cell_starts_a_formula(cells: list[str | None]) -> None:
    """Whatever the text, the first character is harmless and nothing else changed."""
    made = defused(pa.RecordBatch.from_arrays([pa.array(cells, pa.string())], names=["a"])).column(0).to_pylist()
    for before, after in zip(cells, made, strict=True):
        assert after is None or after[:1] not in tuple("=+-@\t\r\n")
        assert after in (before, f"'{before}")
