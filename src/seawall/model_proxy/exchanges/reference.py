"""Writes docs/reference/exchange.schema.json: `python -m seawall.model_proxy.exchanges.reference docs/reference`."""

from __future__ import annotations

import sys
from pathlib import Path

from seawall.model_proxy.exchanges.format import schema

if __name__ == "__main__":
    (Path(sys.argv[1]) / "exchange.schema.json").write_bytes(schema())
