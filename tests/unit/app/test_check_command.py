"""`seawall check`: what it prints, what it returns, and what only the data can tell."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from tests.unit.app.samples import APP, SEMANTIC, edited, write_app

from seawall.cli.check import check
from seawall.cli.check_print import excerpt
from seawall.query.generations import Generations, TableFiles, new_generation

TABLES = {
    "sales": {
        "sale": [1],
        "sold_at": [datetime.fromisoformat("2017-01-02T10:00")],
        "quantity": [2],
        "price": [1.5],
        "customer_id": [7],
        "store_id": [1],
    },
    "stores": {"store_id": [1], "region": ["North"]},
    "visits": {"visit": [1], "day": [date(2017, 1, 2)], "people": [3], "store_id": [1]},
}


def run(*arguments: object) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(check, [str(argument) for argument in arguments])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An instance's data directory with a generation of the sample app's tables."""

    async def publish() -> None:
        generations = Generations(tmp_path / "data" / "warehouse")
        files = {}
        for name, columns in TABLES.items():
            pq.write_table(pa.table(columns), generations.files_dir("shop") / f"{name}.parquet")
            files[name] = TableFiles((f"{name}.parquet",), 1, 1)
        await generations.publish(new_generation("shop", date(2017, 1, 3), files))
        await generations.close()

    asyncio.run(publish())
    return tmp_path / "data"


def test_a_sound_app_ends_with_zero(tmp_path: Path) -> None:
    """It says what it found sound, and that no query was tried."""
    result = run(write_app(tmp_path / "app"))
    assert result.exit_code == 0
    assert "is sound: 1 page, 3 panels, 3 datasets, 2 metrics" in result.output
    assert "no query tried" in result.output


def test_faults_show_the_line_and_a_caret(tmp_path: Path) -> None:
    """A fault is told as a compiler would: place, line, caret, expected, got, fix."""
    result = run(write_app(tmp_path, app=edited(APP, "metric: revenue", "metric: revenu")))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].endswith("app.yaml:21:17: unknown_metric: There is no metric `revenu`")
    assert lines[1].endswith("| " + "        metric: revenu")
    assert lines[2].endswith("| " + "                ^^^^^^")
    assert "fix      Did you mean `revenue`?" in result.output
    assert "\x1b[" not in result.output


def test_json_is_one_object(tmp_path: Path) -> None:
    """Programs get every part of every fault."""
    result = run(write_app(tmp_path, app=edited(APP, "limit: 500", "limit: 0")), "--json")
    told = json.loads(result.output)
    assert (result.exit_code, told["ok"], told["digest"]) == (1, False, "")
    assert told["faults"][0]["code"] == "out_of_range"
    assert set(told["faults"][0]) == {"file", "line", "column", "where", "code", "detail", "expected", "got", "fix"}


def test_every_query_is_tried_on_the_data(tmp_path: Path, data: Path) -> None:
    """With data at hand, panels, metrics and fields are planned by the database."""
    result = run(write_app(tmp_path / "app"), "--data", data, "--json")
    told = json.loads(result.output)
    assert told["faults"] == []
    assert told["dry_run"]["queries"] == 3 + 2 + 7
    assert told["dry_run"]["generation"]


def test_what_the_database_refuses_is_a_fault(tmp_path: Path, data: Path) -> None:
    """A column that the table does not have is found where the field is declared, and where it is used."""
    semantic = edited(SEMANTIC, "quantity * price", "quantity * prise")
    faults = json.loads(run(write_app(tmp_path / "app", semantic=semantic), "--data", data, "--json").output)["faults"]
    assert {fault["code"] for fault in faults} == {"dry_run_failed"}
    assert {(fault["file"], fault["line"]) for fault in faults} >= {
        ("semantic/shop.yaml", 12),
        ("semantic/shop.yaml", 30),
        ("app.yaml", 19),
    }
    assert "prise" in faults[0]["got"]


def test_an_unknown_preparation_is_a_fault(tmp_path: Path) -> None:
    """Preparations are registered by name; another name is a slip."""
    app = edited(APP, "roles:", "data: {prepare: completejurney}\nroles:")
    faults = json.loads(run(write_app(tmp_path, app=app), "--json").output)["faults"]
    assert [(fault["code"], fault["fix"]) for fault in faults] == [("unknown_preparation", "Did you mean `completejourney`?")]


def test_markup_and_control_characters_in_an_app_are_shown_as_they_are(tmp_path: Path) -> None:
    """An app cannot colour, move or hide what the command prints."""
    result = run(write_app(tmp_path, app=edited(APP, "metric: revenue", 'metric: "[bold]x\\e[2J\u202e"')))
    assert "[bold]x" in result.output
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output


def test_long_lines_are_cut_around_the_caret() -> None:
    """The caret stays under its word however long the line is."""
    line = "x" * 500 + " wrong " + "y" * 500
    shown, caret = excerpt(line, 502, "wrong")
    assert len(shown) <= 120
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "wrong"


@pytest.mark.parametrize(
    ("declared", "wrong", "line", "fitting"),
    [
        ("amount, datatype: Decimal", "amount, datatype: Integer", 12, "Float or Decimal"),
        ("sale, datatype: Integer", "sale, datatype: String", 11, "Integer or Decimal or Float"),
        ("customer, datatype: Integer", "customer, datatype: Date", 13, "Integer or Decimal or Float"),
        ("people, datatype: Integer", "people, datatype: Boolean", 25, "Integer or Decimal or Float"),
    ],
)
def test_a_type_that_the_data_does_not_have_is_a_fault(
    tmp_path: Path, data: Path, declared: str, wrong: str, line: int, fitting: str
) -> None:
    """A field declared as another kind of value would be rounded without a word, or fail when it is read."""
    folder = write_app(tmp_path / "app", semantic=edited(SEMANTIC, declared, wrong))
    faults = json.loads(run(folder, "--data", data, "--json").output)["faults"]
    assert [(fault["code"], fault["file"], fault["line"], fault["expected"]) for fault in faults if fault["code"] != "dry_run_failed"] == [
        ("datatype_mismatch", "semantic/shop.yaml", line, fitting)
    ]


def test_a_metric_declared_whole_over_fractions_is_a_fault(tmp_path: Path, data: Path) -> None:
    """Where it is declared; a sum of whole numbers may be."""
    declared = edited(SEMANTIC, "{name: revenue,", "{name: revenue, datatype: Integer,")
    semantic = edited(declared, "{name: visitors,", "{name: visitors, datatype: Integer,")
    faults = json.loads(run(write_app(tmp_path / "app", semantic=semantic), "--data", data, "--json").output)["faults"]
    assert [(fault["code"], fault["line"], fault["got"]) for fault in faults] == [("datatype_mismatch", 30, "Integer")]
