"""Services do without pandas; pyarrow, which would import it, works from its first array on."""

from __future__ import annotations

import subprocess
import sys

FIRST_ARRAY = """
import sys
import pyarrow as pa
from seawall.query.without_pandas import declare_pandas_absent

declare_pandas_absent()
assert pa.array([1]).to_pylist() == [1]
assert "pandas" not in sys.modules
import json  # other modules are found
"""


def test_the_first_array_of_a_process() -> None:
    """It is made, and pandas stays away."""
    done = subprocess.run((sys.executable, "-c", FIRST_ARRAY), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
