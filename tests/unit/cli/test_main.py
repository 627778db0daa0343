"""The command line: cheap to start, errors in one sentence."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from seawall.cli import main
from seawall.cli.instance import AlreadyRunning
from seawall.core.errors import ConfigurationError, InvalidInput, Unavailable
from seawall.core.settings import Settings


def test_help_lists_every_command_without_importing_any() -> None:
    """`seawall --help` costs what click costs."""
    script = "import sys, seawall.cli.main as m; m.cli.main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in main.COMMANDS)
    assert "seawall.cli.up" not in done.stdout
    assert "psycopg" not in done.stdout


@pytest.mark.parametrize("name", ["up", "down", "status", "ui", "gateway", "model-proxy", "workers", "prepare"])
def test_every_command_of_the_platform_is_where_the_table_says(name: str) -> None:
    """And has a help text of its own."""
    done = CliRunner().invoke(main.cli, [name, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_an_unknown_command_is_a_usage_error() -> None:
    """Exit status 2, as for any wrong use."""
    assert CliRunner().invoke(main.cli, ["sail"]).exit_code == 2


def test_exit_statuses_are_the_documented_ones() -> None:
    """Scripts tell apart what they can mend from what they cannot."""
    assert main.exit_status(AlreadyRunning()) == 3
    assert main.exit_status(ConfigurationError()) == 2
    assert main.exit_status(InvalidInput()) == 2
    assert main.exit_status(Unavailable()) == 1


def test_an_error_is_one_sentence_on_standard_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback for what a user can mend."""
    monkeypatch.setattr(sys, "argv", ["seawall", "up", "/nonexistent"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "seawall: /nonexistent is not an app. Expected a folder with an app.yaml. Name an app's folder: seawall up FOLDER.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "slug"),
    [
        (["token", "--role", "viewer", "--data", "/nonexistent", "--json"], 2, "configuration"),
        (["link", "--role", "viewer", "--data", "/nonexistent", "--json"], 3, "not-running"),
        (["key", "list", "--data", "/nonexistent", "--json"], 3, "not-running"),
        (["query", "/nonexistent", "--as", "role=viewer", "--json"], 2, "invalid-input"),
        (["check", "--json"], 2, "invalid-input"),
        (["status", "--json", "--sail"], 2, "invalid-input"),
    ],
)
def test_with_json_an_error_is_one_object_on_standard_error(
    arguments: list[str], status: int, slug: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The members of a problem, also for wrong use; nothing on standard output."""
    monkeypatch.setattr(sys, "argv", ["seawall", *arguments])
    with pytest.raises(SystemExit) as caught:
        main.main()
    told = capsys.readouterr()
    problem = json.loads(told.err)
    assert (caught.value.code, problem["type"].rpartition("/")[2], told.out) == (status, slug, "")
    assert problem["detail"]


@pytest.mark.parametrize(("number", "fix"), [(errno.ENOSPC, "Free some space"), (errno.EROFS, "can be written to"), (errno.ELOOP, "")])
def test_what_the_system_refuses_is_a_sentence(
    number: int, fix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk is no reason for a traceback; it says which file and what to do."""

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/data/x")

    monkeypatch.setattr(sys, "argv", ["seawall", "status"])
    monkeypatch.setattr("seawall.cli.status.locate", refused)
    with pytest.raises(SystemExit) as caught:
        main.main()
    told = capsys.readouterr().err
    assert (caught.value.code, told.count("\n")) == (1, 1)
    assert told.startswith(f"seawall: {os.strerror(number)}: /data/x.")
    assert fix in told


def test_a_service_started_alone_needs_only_what_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway keeps nothing, so that nobody need give it a database."""
    found: list[Settings] = []
    monkeypatch.setattr("seawall.gateway.service.run", found.append)
    environment = {"SEAWALL_DATA": "/d", "SEAWALL_RUN": "/r", "SEAWALL_APPS": "/a", "DATABASE_URL": None, "SEAWALL_SERVICE": None}
    mask = os.umask(0o077)
    done = CliRunner().invoke(main.cli, ["gateway"], env=environment)
    os.umask(mask)
    assert (done.exit_code, [one.service for one in found]) == (0, ["gateway"])


def test_an_interrupted_command_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the table of exit statuses says."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["seawall", "status"])
    monkeypatch.setattr("seawall.cli.status.locate", interrupted)
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 130


def test_an_app_with_faults_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """`seawall up` tells every fault as `seawall check` does, and leaves no directory behind."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text("name: Shop!\ntitle: Shop\nroles: {viewer: {}}\npolicies: {}\npages: {}\n")
    app, data = str(tmp_path / "app"), str(tmp_path / "data")
    told = []
    for words in (["check", app], ["up", app, "--data", data]):
        monkeypatch.setattr(sys, "argv", ["seawall", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        told.append(capfd.readouterr().out)
    assert ended.value.code == 2
    assert told[0] == told[1]
    assert "bad_name" in told[1]
    assert "missing_file" in told[1]
    assert not (tmp_path / "data").exists()
