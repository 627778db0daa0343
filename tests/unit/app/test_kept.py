"""What was checked once is not checked again; what is not exactly that, is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.app.samples import write_app

from seawall.app import kept
from seawall.app.kept import KEPT_MAX, keep, kept_bundle
from seawall.app.load import load_bundle
from seawall.app.model import App, Bundle, Semantics, Text

EXAMPLE = Path(__file__).parents[3] / "apps" / "merchandising"


@pytest.fixture(params=["sample", "example"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The sample app, and the one that comes with Seawall."""
    return write_app(tmp_path / "app") if request.param == "sample" else EXAMPLE


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_kept_bundle_is_the_checked_one(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value and the order of every mapping; and nothing is checked to have it."""
    checked = load_bundle(app)
    keep(checked, tmp_path / "kept")
    monkeypatch.setattr("seawall.app.check.check", None)
    assert repr(load_bundle(app, tmp_path / "kept")) == repr(checked)


def test_only_its_user_may_look_at_it(tmp_path: Path) -> None:
    """Apps name who may see what."""
    keep(load_bundle(write_app(tmp_path / "app")), tmp_path / "kept")
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "kept", only_file(tmp_path / "kept"))]
    assert modes == [0o700, 0o600]


def test_a_changed_app_is_not_the_kept_one(tmp_path: Path) -> None:
    """Each byte counts, and so does a file that is not read, because it is a fault."""
    app = write_app(tmp_path / "app")
    keep(load_bundle(app), tmp_path / "kept")
    assert kept_bundle(app, tmp_path / "kept") is not None
    (app / "semantic" / "more.yml").touch()
    assert kept_bundle(app, tmp_path / "kept") is None
    (app / "semantic" / "more.yml").unlink()
    (app / "app.yaml").write_bytes((app / "app.yaml").read_bytes() + b"#")
    assert kept_bundle(app, tmp_path / "kept") is None


def test_another_checker_checks_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release, or a package it is built on, may find what an earlier one did not."""
    app = write_app(tmp_path / "app")
    keep(load_bundle(app), tmp_path / "kept")
    monkeypatch.setattr(kept, "checker_version", lambda: "f" * 64)
    assert kept_bundle(app, tmp_path / "kept") is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o640])
def test_a_file_that_others_may_touch_is_not_taken(tmp_path: Path, mode: int) -> None:
    """It could say that everybody may see everything."""
    app = write_app(tmp_path / "app")
    keep(load_bundle(app), tmp_path / "kept")
    only_file(tmp_path / "kept").chmod(mode)
    assert kept_bundle(app, tmp_path / "kept") is None


def test_a_link_or_a_pipe_is_not_taken(tmp_path: Path) -> None:
    """Nor does reading one hang."""
    app = write_app(tmp_path / "app")
    keep(load_bundle(app), tmp_path / "kept")
    path = only_file(tmp_path / "kept")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert kept_bundle(app, tmp_path / "kept") is None
    path.unlink()
    os.mkfifo(path, 0o600)
    assert kept_bundle(app, tmp_path / "kept") is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_not_taken(tmp_path: Path, data: st.DataObject) -> None:
    """Cut short, or with one byte another, anywhere."""
    app = tmp_path / "app"
    if not app.exists():
        keep(load_bundle(write_app(app)), tmp_path / "kept")
    path = only_file(tmp_path / "kept")
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:at] + (bytes([whole[at] ^ 0x20]) + whole[at + 1 :] if data.draw(st.booleans()) else b""))
    assert kept_bundle(app, tmp_path / "kept") is None
    path.write_bytes(whole)
    assert kept_bundle(app, tmp_path / "kept") is not None


def test_old_ones_are_let_go(tmp_path: Path) -> None:
    """An app that is edited all day leaves a few files."""
    for number in range(KEPT_MAX + 3):
        keep(Bundle(App("a", Text({}), Semantics({}, (), {}), {}, {}, {}), f"{number:032}" * 2), tmp_path)
    assert len(list(tmp_path.iterdir())) == KEPT_MAX


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    """And nothing fails for that."""
    (tmp_path / "file").touch()
    keep(load_bundle(write_app(tmp_path / "app")), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b""
