"""The command line: cheap to start, errors in one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from seawall.cli import main
from seawall.cli.instance import AlreadyRunning
from seawall.core.errors import ConfigurationError, InvalidInput, Unavailable


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
