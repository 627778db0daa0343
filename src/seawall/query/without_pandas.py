"""pyarrow without pandas, which it imports at its first array where it is installed: 2 s and 80 MB that no service wants."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Nothing to say of other modules."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def declare_pandas_absent() -> None:
    """Let every later import of pandas in this process fail as if it were not installed.

    `sys.modules["pandas"] = None` will not do: compiled modules take the None for the module, and pyarrow's first array fails.
    """
    sys.meta_path.insert(0, _NoPandas())
