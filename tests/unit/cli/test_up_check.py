"""`seawall up` checks an app once; what has faults is checked, and told, each time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.app.samples import write_app

from seawall.cli import up_check
from seawall.cli.up_check import check_addresses, sound
from seawall.core.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _run_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:  # sockets' paths are
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        yield


def no_fork() -> int:
    raise AssertionError("it is checked again")


def test_a_sound_app_is_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until a byte of it changes."""
    app, data = write_app(tmp_path / "app"), tmp_path / "data"
    assert sound([app], data, as_json=False)
    monkeypatch.setattr(up_check.os, "fork", no_fork)
    assert sound([app], data, as_json=False)
    (app / "app.yaml").write_bytes((app / "app.yaml").read_bytes() + b"#")
    with pytest.raises(AssertionError, match="checked again"):
        sound([app], data, as_json=False)


def test_what_runs_with_the_data_is_left_alone(tmp_path: Path) -> None:
    """Its Postgres may need a way through the directory: what was found sound is kept there, and its mode stays."""
    app, data = write_app(tmp_path / "app"), tmp_path / "data"
    (data / "keys").mkdir(parents=True)
    data.chmod(0o711)
    assert sound([app], data, as_json=False)
    assert data.stat().st_mode & 0o777 == 0o711


def test_an_app_with_faults_leaves_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its faults are told each time, and no directory is made."""
    app = write_app(tmp_path / "app")
    (app / "app.yaml").write_bytes((app / "app.yaml").read_bytes() + b"nonsense: 1\n")
    for _ in range(2):
        assert not sound([app], tmp_path / "data", as_json=False)
        assert "nonsense" in capfd.readouterr().out
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["DATABASE_URL", "VALKEY_URL", "VECTOR_URL"])
def test_what_is_no_address_is_told_without_repeating_it(name: str) -> None:
    """Before anything starts; a password that slipped into the wrong variable is not shown."""
    with pytest.raises(ConfigurationError, match=name) as caught:
        check_addresses({name: "http://user:s3cret@db.example"})
    assert "s3cret" not in caught.value.sentence()


def test_every_form_of_address_is_taken() -> None:
    """As the libraries read them; none at all, too."""
    for url in ("postgresql://u@h/d", "postgres://h", "host=/run/postgresql dbname=x", ""):
        check_addresses({"DATABASE_URL": url, "VECTOR_URL": url})
    for url in ("valkey://h", "valkeys://h", "redis://h", "rediss://h", "unix:///s", "unix://u:p@/s?db=1"):
        check_addresses({"VALKEY_URL": url, "VECTOR_URL": "off"})


def test_a_preparation_that_nobody_registered_is_not_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The app's files alone are sound, the app is not."""
    app = write_app(tmp_path / "app")
    (app / "app.yaml").write_bytes((app / "app.yaml").read_bytes() + b"data: {prepare: nothing}\n")
    for _ in range(2):
        assert not sound([app], tmp_path / "data", as_json=False)
        assert "unknown_preparation" in capfd.readouterr().out
    assert not (tmp_path / "data").exists()
