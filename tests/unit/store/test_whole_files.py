"""Small files that are whole or not there."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from seawall.store.whole_files import create_whole, replace_whole


@pytest.mark.parametrize("lasting", [True, False])
def test_a_file_is_replaced_and_its_owners_alone(tmp_path: Path, lasting: bool) -> None:
    """Whatever was there, and whatever the umask; nothing else is left."""
    path = tmp_path / "file"
    path.touch(0o644)
    before = os.umask(0)
    try:
        replace_whole(path, b"new", lasting=lasting)
    finally:
        os.umask(before)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no draft."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    replace_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_whole(path, b"new", lasting=True)
    with pytest.raises(OSError, match="No space"):
        create_whole(tmp_path / "other", b"new")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"old")]


def test_of_many_who_create_it_the_first_counts(tmp_path: Path) -> None:
    """The others are told, and read what the first wrote."""
    path, won = tmp_path / "file", []
    threads = [
        threading.Thread(target=lambda number=number: won.append((create_whole(path, b"%d" % number), number))) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [b"%d" % number for created, number in won if created] == [path.read_bytes()]
    assert list(tmp_path.iterdir()) == [path]
