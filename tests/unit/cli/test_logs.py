"""Log files that stay bounded while somebody writes to them."""

from __future__ import annotations

import os
from pathlib import Path

from seawall.cli.supervisor_logs import KEPT, Logs


def test_a_long_file_is_moved_and_writers_go_on(tmp_path: Path) -> None:
    """The writer's descriptor stays good: it appends at the new end."""
    logs = Logs(tmp_path, bytes_max=10)
    writer = logs.open("ui-read-0")
    os.write(writer, b"twelve bytes")
    logs.rotate()
    os.write(writer, b"on")
    os.close(writer)
    assert logs.path("ui-read-0").read_bytes() == b"on"
    assert (tmp_path / "ui-read-0.log.1").read_bytes() == b"twelve bytes"


def test_only_a_few_old_files_are_kept(tmp_path: Path) -> None:
    """However often it rotates, the disk holds a bounded number of files."""
    logs = Logs(tmp_path, bytes_max=1)
    for turn in range(KEPT + 3):
        logs.path("workers-0").write_text(f"turn {turn}")
        logs.rotate()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["workers-0.log", *(f"workers-0.log.{age}" for age in range(1, KEPT + 1))]
    assert (tmp_path / "workers-0.log.1").read_text() == f"turn {KEPT + 2}"


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    """An error message quotes them; a file that is not there gives nothing."""
    logs = Logs(tmp_path)
    logs.path("prepare-0").write_text("\n".join(str(number) for number in range(100)))
    assert logs.tail("prepare-0", lines=3) == "97\n98\n99"
    assert logs.tail("absent-0") == ""
