"""The digest names the content of an app's folder and nothing else."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.app.samples import write_app

from seawall.app.faults import Report
from seawall.app.folder import read_folder
from seawall.app.load import load_bundle

NAMES = st.sampled_from(
    ["app.yaml", "slo.yaml", "semantic/a.yaml", "semantic/deep/b.yaml", "prompts/ask.yaml", "golden/x.jsonl", "migrations/1.sql"]
)
FOLDERS = st.dictionaries(NAMES, st.binary(max_size=40), min_size=1)


def digest_of(files: dict[str, bytes], *, mtime: int = 0) -> str:
    """The digest of a folder with these files, written in this order."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (mtime, mtime))
        return read_folder(Path(folder), Report()).digest()


@settings(max_examples=25, deadline=None)
@given(files=FOLDERS, mtime=st.integers(1, 2**31 - 1))
def test_order_and_times_do_not_matter(files: dict[str, bytes], mtime: int) -> None:
    """The same files written backwards, at another time, have the same digest."""
    assert digest_of(files) == digest_of(dict(reversed(files.items())), mtime=mtime)


@settings(max_examples=25, deadline=None)
@given(files=FOLDERS, data=st.data())
def test_any_byte_matters(files: dict[str, bytes], data: st.DataObject) -> None:
    """A flipped byte, a byte more, a file less and a moved file each change the digest."""
    before = digest_of(files)
    name = data.draw(st.sampled_from(sorted(files)))
    content = files[name]
    assert digest_of({**files, name: content + b"x"}) != before
    if content:
        at = data.draw(st.integers(0, len(content) - 1))
        assert digest_of({**files, name: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]}) != before
    assert digest_of({key: value for key, value in files.items() if key != name}) != before
    assert digest_of({("golden/moved" if key == name else key): value for key, value in files.items()}) != before


def test_editors_leave_no_trace(tmp_path: Path) -> None:
    """Hidden files, back-ups, swap files and unrelated files are not part of an app."""
    before = load_bundle(write_app(tmp_path)).digest
    for name in (
        ".git",
        "semantic/.shop.yaml.swp",
        "semantic/shop.yaml~",
        "semantic/#shop.yaml#",
        "app.yaml.bak",
        "golden/.DS_Store",
        "golden/desktop.ini",
        "golden/x.jsonl.save",
        "golden/x.jsonl___jb_tmp___",
        "README.md",
        "semantic/notes.md",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert load_bundle(tmp_path).digest == before


def test_a_copy_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    """Under another name, behind a link, with other modes and an empty folder beside: what counts is what the files hold."""
    first = load_bundle(write_app(tmp_path / "first")).digest
    copy = shutil.copytree(tmp_path / "first", tmp_path / "elsewhere" / "copy")
    (copy / "app.yaml").chmod(0o755)
    (copy / "golden").mkdir()
    (tmp_path / "link").symlink_to(copy)
    assert load_bundle(tmp_path / "link").digest == load_bundle(copy).digest == first


def test_the_digest_is_what_sha256sum_prints(tmp_path: Path) -> None:
    """Anyone can recompute it: SHA-256 of the sorted lines `hash  path`."""
    bundle = load_bundle(write_app(tmp_path))
    lines = [f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n" for name in ("app.yaml", "semantic/shop.yaml")]
    assert bundle.digest == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert sorted(bundle.files) == ["app.yaml", "semantic/shop.yaml"]
