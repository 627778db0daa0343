"""What an instance writes is for its user alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seawall.cli import services
from seawall.cli.instance import InstanceRecord, locate


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_service_makes_files_for_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask of whoever started it."""
    for name in ("SEAWALL_DATA", "SEAWALL_RUN", "SEAWALL_APPS"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql:///nowhere")
    monkeypatch.setenv("VALKEY_URL", "unix:///nowhere.sock")
    before = os.umask(0o022)
    try:
        services._settings("ui-read", watch=False)
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
    finally:
        os.umask(before)
    assert (mode(tmp_path / "file"), mode(tmp_path / "folder")) == (0o600, 0o700)


def test_folders_made_before_are_closed(tmp_path: Path) -> None:
    """An older release left them open."""
    old = tmp_path / "warehouse"
    old.mkdir(mode=0o755)
    services.make_private(old)
    services.make_private(tmp_path / "new")
    assert mode(old) == mode(tmp_path / "new") == 0o700


def test_the_record_of_an_instance_is_its_users_alone(tmp_path: Path) -> None:
    """Whatever the umask, and whatever was there."""
    (tmp_path / "instance.json").touch(0o644)
    instance = locate(tmp_path, {})
    instance.write(InstanceRecord(1, 1, "http://localhost:8420", 8420, "/data", "/run", ()))
    assert mode(tmp_path / "instance.json") == 0o600
