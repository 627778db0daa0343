"""Demo data that comes inside a Python package, found without importing it: that would import pandas, half a second of every start."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from seawall.core.errors import ConfigurationError
from seawall.store.named_sql import parse


def data_folder(module: str, package: str) -> Path:
    """Where the files of the installed `package` are. ConfigurationError when it is not."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"The package {package}, which holds the demo data, is not installed", fix="Run `make setup`")
    return Path(spec.origin).parent / "data"


def queries_of(name: str) -> dict[str, str]:
    """The queries of `sql/NAME.sql`, by name."""
    path = Path(__file__).parent / "sql" / f"{name}.sql"
    return {query: found.sql for query, found in parse(path.read_text("utf-8"), where=path.name).items()}
