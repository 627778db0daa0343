"""Files made of Arrow batches, defused for spreadsheets."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.csv
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
    assert lines[1] == ["'=1+1", "-1.5", "2017-01-01", "-2.5", "['=x']"]
    assert lines[2][0] == '<b>"quoted", yes</b>'
    assert len(lines) == 5


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
async def test_parquet_defuses_every_formula_start(start: str) -> None:
    """People open Parquet in spreadsheets, too."""
    batch = pa.RecordBatch.from_pylist([{"a": start + "cmd"}, {"a": "x" + start}, {"a": None}])
    table = pq.read_table(io.BytesIO(await export("parquet", batch)))
    assert table.to_pydict() == {"a": ["'" + start + "cmd", "x" + start, None]}


DECIMALS = st.one_of(st.none(), st.decimals(-(10**12), 10**12, allow_nan=False, places=6))


@given(cells=st.lists(DECIMALS, min_size=1, max_size=6))
async def test_csv_decimals_are_plain_numbers(cells: list[Decimal | None]) -> None:
    """Exact, unquoted, without an exponent and without zeros that say nothing."""
    batch = pa.RecordBatch.from_arrays([pa.array(cells, pa.decimal128(38, 6)), pa.array(range(len(cells)))], names=["a", "b"])
    for cell, line in zip(cells, (await export("csv", batch)).decode().splitlines()[1:], strict=True):
        written = line.partition(",")[0]
        assert written == ("" if cell is None else format(Decimal(written), "f"))
        assert cell is None or (Decimal(written) == cell and not ("." in written and written.endswith(("0", "."))))


def defused_text(text: str) -> object:
    return defused(pa.RecordBatch.from_arrays([pa.array([text])], names=["a"])).column(0)[0].as_py()


ROW = st.fixed_dictionaries(
    {
        "text": st.one_of(st.none(), st.text(max_size=6).filter(lambda text: text == defused_text(text))),
        "bytes": st.one_of(st.none(), st.text(max_size=4).map(str.encode)),
        "float": st.one_of(st.none(), st.floats(allow_nan=False)),
        "whole": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        "truth": st.one_of(st.none(), st.booleans()),
        "day": st.one_of(st.none(), st.dates()),
        "at": st.one_of(st.none(), st.datetimes()),
        "hour": st.one_of(st.none(), st.times()),
    }
)
SCHEMA = pa.schema(
    {
        "text": pa.string(),
        "bytes": pa.binary(),
        "float": pa.float64(),
        "whole": pa.int64(),
        "truth": pa.bool_(),
        "day": pa.date32(),
        "at": pa.timestamp("us"),
        "hour": pa.time64("us"),
    }
)


@given(rows=st.lists(ROW, min_size=1, max_size=5))
async def test_csv_is_what_pyarrow_writes_but_for_decimals(rows: list[dict[str, object]]) -> None:
    """An independent writer agrees, byte for byte, about texts, bytes, numbers and times."""
    batch, sink = pa.RecordBatch.from_pylist(rows, schema=SCHEMA), io.BytesIO()
    pyarrow.csv.write_csv(batch, sink)
    assert await export("csv", batch) == sink.getvalue()


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
