"""Named preparations: found by name, keyed by all their files depend on, groups of stores fixed for ever."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.errors import ConfigurationError
from seawall.workers.preparation.completejourney import GROUPS, PREPARATION, group_of
from seawall.workers.preparation.errors import UnknownPreparation
from seawall.workers.preparation.plan import Preparation, Table
from seawall.workers.preparation.registry import REGISTERED, find
from seawall.workers.preparation.runner import read_declared
from seawall.workers.preparation.writer import write_tables


def test_a_registered_preparation_is_found():
    """Every name in the registry leads to the preparation of that name."""
    assert {name: find(name).name for name in REGISTERED} == {name: name for name in REGISTERED}


def test_an_unknown_preparation_lists_those_there_are():
    """The error tells what could have been meant."""
    with pytest.raises(UnknownPreparation, match="completejourney"):
        find("nowhere")


def test_every_table_setup_and_helper_has_its_query():
    """A preparation never names SQL it does not have."""
    named = (
        {table.name for table in PREPARATION.tables}
        | set(PREPARATION.setup)
        | set(PREPARATION.helpers.values())
        | {"extent", PREPARATION.series}
    )
    assert named == set(PREPARATION.queries)


@given(st.integers(min_value=1, max_value=99_999))
def test_a_store_group_depends_on_the_store_alone(store_id: int):
    """The same number always gives the same one of four groups."""
    assert group_of(store_id) == group_of(store_id)
    assert group_of(store_id) in GROUPS


def test_store_groups_are_what_they_have_always_been():
    """Row policies of people rest on these: a change would move stores between users."""
    assert [group_of(number) for number in (367, 406, 429, 31782)] == ["East", "West", "West", "West"]
    assert min(Counter(group_of(number) for number in range(1, 458)).values()) > 90


def test_sql_and_python_agree_on_store_groups():
    """The group in the prepared table is the documented one."""
    query = PREPARATION.queries["stores"]
    with duckdb.connect() as connection:
        connection.execute("CREATE VIEW sales AS SELECT range AS store_id, TIMESTAMP '2017-01-01' AS sold_at FROM range(1, 500)")
        connection.execute("CREATE VIEW source_promotions AS SELECT 1 AS store_id")
        rows = connection.execute(f"SELECT store_id, store_group FROM ({query})").fetchall()
    assert dict(rows) == {store: group_of(store) for store in range(1, 500)}


def test_the_key_changes_with_whatever_the_files_depend_on(tmp_path: Path):
    """Source bytes, SQL, scale and layout each make another key; nothing else does."""
    source = tmp_path / "source.parquet"
    pq.write_table(pa.table({"n": [1]}), source)
    made = Preparation("p", lambda: {"s": source}, {"t": "SELECT 1"}, (Table("t"),), bytes_needed=1)
    keys = {
        made.key(1),
        made.key(10),
        msgspec.structs.replace(made, queries={"t": "SELECT 2"}).key(1),
        msgspec.structs.replace(made, tables=(Table("t", row_group_rows=2048),)).key(1),
    }
    keys |= {
        msgspec.structs.replace(made, tables=(table,)).key(1) for table in (Table("t", codec="snappy"), Table("t", dictionary_values=9))
    }
    pq.write_table(pa.table({"n": [2]}), source)
    assert len(keys | {made.key(1)}) == 7
    assert made.key(1) == msgspec.structs.replace(made, bytes_needed=2).key(1)


def test_an_app_says_what_prepares_its_data(tmp_path: Path):
    """Two keys are read; an app without data.prepare is already there."""
    (tmp_path / "app.yaml").write_text("name: shop\npages: {}\n")
    assert read_declared(tmp_path).data.prepare == ""


@pytest.mark.parametrize("text", ["name: [", "data: {}", "- name"])
def test_an_app_that_cannot_be_read_is_named(tmp_path: Path, text: str):
    """The error names the file and the command that lists its faults."""
    (tmp_path / "app.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match="seawall check"):
        read_declared(tmp_path)


def test_a_table_is_written_as_it_says(tmp_path: Path):
    """Codec, row groups, and numbers in place of values where a column has no more of them than the table allows."""
    source = tmp_path / "source.parquet"
    pq.write_table(pa.table({"n": [number % 1500 for number in range(4096)]}), source)
    tables = (Table("plain", row_group_rows=2048), Table("quick", row_group_rows=2048, codec="snappy", dictionary_values=1500))
    queries = {"extent": "SELECT DATE '2018-01-01' AS as_of", "plain": "FROM source_s", "quick": "FROM source_s"}
    made = Preparation("p", lambda: {"s": source}, queries, tables, bytes_needed=1)
    written = write_tables(made, tmp_path, scale=1, progress=lambda *_: None).tables
    plain, quick = (pq.read_metadata(written[name].path).row_group(0) for name in ("plain", "quick"))
    assert (plain.num_rows, plain.column(0).compression, plain.column(0).has_dictionary_page) == (2048, "ZSTD", False)
    assert (quick.num_rows, quick.column(0).compression, quick.column(0).has_dictionary_page) == (2048, "SNAPPY", True)
