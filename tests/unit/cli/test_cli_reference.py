"""The published reference of commands and settings is what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from seawall.cli import reference
from seawall.core import settings

FOLDER = Path(__file__).parents[3] / "docs" / "reference"


def test_the_reference_is_current() -> None:
    """`make docs` changes nothing."""
    assert (FOLDER / "cli.md").read_text() == reference.cli_text()
    assert (FOLDER / "settings.md").read_text() == reference.settings_text()


def test_every_variable_that_settings_reads_is_documented() -> None:
    """Names in the code and names in the table are the same."""
    read = set(re.findall(r"\"([A-Z][A-Z_]{5,})\"", inspect.getsource(settings.settings_from)))
    assert read == {variable for variable, _, _ in reference.read_settings()}
