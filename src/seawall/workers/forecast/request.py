"""What a forecast run is asked, and what it answers. Small values that cross a process boundary as JSON."""

from __future__ import annotations

from datetime import date

import msgspec


class Request(msgspec.Struct, frozen=True):
    """Forecast the series of one generation."""

    query: str
    """SQL over the generation's tables: name, Monday, first day of the data, value."""
    tables: dict[str, tuple[str, ...]]
    """Table → absolute paths of its Parquet files."""
    as_of: date
    folder: str
    """Where the two files go."""
    key: str
    """Ends their names; equal keys mean equal files."""


class Answer(msgspec.Struct, frozen=True):
    """What was written."""

    series: int
    files: dict[str, str]
    """Table → file name in the folder."""
    rows: dict[str, int]
    bytes: dict[str, int]
    seconds: float
