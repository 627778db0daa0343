"""`seawall publish` before an instance's first start: what becomes the app's data, and what does not."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.doc_blocks import sections

from seawall.cli.publish import UnfitTable, UnreadableFile, generation, publish
from seawall.query.generations import NoGeneration

STATIONS = "station,name,district\n1,Harbour,north\n"
HIRES = "hire,started_at,station,minutes,price,rider\n1,2026-03-02 08:07:00,1,19,2.90,r1\n2,2026-03-05 08:07:00,1,20,2.90,r2\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The tutorial's app in `bikes/`, and its two tables, shorter."""
    page = (Path(__file__).parents[3] / "docs" / "tutorial.md").read_text()
    for blocks in sections(page).values():
        for block in blocks:
            if block.title.startswith("bikes/"):
                (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / block.title).write_text(block.text.replace("hire_counts", "hire_count"))
    (tmp_path / "stations.csv").write_text(STATIONS)
    (tmp_path / "hires.csv").write_text(HIRES)
    return tmp_path


def run(place: Path, *tables: str, text: str = "") -> tuple[str, str]:
    """Publish `NAME` from NAME.csv, the last one with `text` in it; what was printed. Errors are raised."""
    if text:
        (place / f"{tables[-1]}.csv").write_text(text)
    options = [part for name in tables for part in ("--table", f"{name}={place / name}.csv")]
    argv = [str(place / "bikes"), *options, "--data", str(place / "data")]
    result = CliRunner().invoke(publish, argv, catch_exceptions=False)
    return result.stdout, result.stderr


def current(place: Path) -> dict:
    argv = [str(place / "bikes"), "--data", str(place / "data"), "--json"]
    return json.loads(CliRunner().invoke(generation, argv, catch_exceptions=False).stdout)


def test_tables_become_current(place: Path) -> None:
    """The latest day in a time field is the data's date, and sizes are told."""
    printed, complaints = run(place, "hires", "stations")
    assert "data up to 2026-03-05" in printed
    assert "2 rows" in printed
    assert complaints == ""
    assert current(place)["tables"]["stations"]["rows"] == 1


def test_the_datas_date_is_that_of_its_pages(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In UTC also where the machine's clock says yesterday."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    zoned = HIRES.replace("2026-03-05 08:07:00", "2026-03-05 02:07:00+00").replace("08:07:00,", "08:07:00+00,")
    try:
        assert "data up to 2026-03-05" in run(place, "stations", "hires", text=zoned)[0]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_table_keeps_its_place_beside_another(place: Path) -> None:
    """What is not named stays; what was never published is told."""
    assert "Still without data: stations." in run(place, "hires")[1]
    assert run(place, "stations")[1] == ""
    assert set(current(place)["tables"]) == {"hires", "stations"}


@pytest.mark.parametrize(
    "text",
    [
        "station,name,district\n1,Harbour,north\n2,Old Town,centre,extra\n",
        "station,name,district\n1,Harbour\n",
        'station,name,district\n1,"Harbour,north\n2,a,b\n',
    ],
)
def test_a_malformed_csv_is_refused_whole(place: Path, text: str) -> None:
    """No line is guessed at or dropped."""
    with pytest.raises(UnreadableFile, match="header line"):
        run(place, "stations", text=text)


def test_another_table_is_not_published(place: Path) -> None:
    """A table without the app's columns never becomes current: what was served before still is."""
    run(place, "hires", "stations")
    before = current(place)["id"]
    with pytest.raises(UnfitTable, match="Expected `rider` in the table hires"):
        run(place, "hires", text=HIRES.replace("rider", "who"))
    with pytest.raises(UnfitTable, match="the columns station;name;district"):
        run(place, "stations", text=STATIONS.replace(",", ";"))
    assert current(place)["id"] == before


def test_there_is_no_data_before(place: Path) -> None:
    """`seawall generation` says so."""
    with pytest.raises(NoGeneration):
        current(place)


def test_a_full_disk_is_no_fault_of_the_file(place: Path) -> None:
    """No file may grow any more: the sentence says so, nothing is published and nothing half written stays."""
    hires = HIRES + "".join(f"{number},2026-03-02 08:07:00,1,{number % 97},{number % 89}.5,r{number}\n" for number in range(3, 20_000))
    (place / "hires.csv").write_text(hires)
    argv = [sys.executable, "-m", "seawall.cli.main", "publish", "bikes", "--table", "hires=hires.csv", "--data", "data"]
    limits = (20_000, resource.RLIM_INFINITY)
    done = subprocess.run(
        argv, cwd=place, capture_output=True, text=True, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("seawall: File too large: ")
    assert list((place / "data" / "warehouse").rglob("*.parquet")) == []
