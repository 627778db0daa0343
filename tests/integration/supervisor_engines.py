"""As a program (`DATA`): the real `seawall up` over the embedded engines and their preparation alone, with an empty app."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seawall.cli import up
from seawall.cli.supervisor_plan import Site
from seawall.cli.supervisor_units import Unit

NAMES = ("initdb", "postgres", "valkey", "vectors-initdb", "vectors", "vectors-prepare", "prepare")


def plan(site: Site) -> Sequence[Unit]:
    """No app: what is prepared is the database and the keys."""
    units = [unit for unit in up.real_plan(site) if unit.name in NAMES]
    return [msgspec.structs.replace(unit, environment=unit.environment | {"SEAWALL_APPS": ":"}) for unit in units]


if __name__ == "__main__":
    sys.exit(up.run((), Path(sys.argv[1]), None, detach=False, as_json=True, planner=plan))
