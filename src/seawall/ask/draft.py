"""What the groups of a cut say, read from left to right: metrics, dimensions, conditions, periods, a ranking. Still in the app's words only
where words allow one reading: which of several fields a word means is chosen when the metrics are known (`assembly.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from seawall.app.model import Grain, Operator
from seawall.ask.lexicon import Term, Value
from seawall.ask.question import Show
from seawall.ask.times import Time

Direction = Literal["", "top", "bottom", "highest", "lowest", "best", "worst", "rank", "ascending"]


class Part(msgspec.Struct, frozen=True):
    """Something to group by: one of these fields, or a grain."""

    refs: tuple[str, ...] = ()
    grain: Grain | None = None
    said: str = ""
    is_noun: bool = False
    """Whether the words name a dataset, so that they may stand without meaning anything more."""


class Condition(msgspec.Struct, frozen=True):
    """One of these values, or a comparison with a number on one of these fields."""

    op: Operator
    values: tuple[Value, ...] = ()
    refs: tuple[str, ...] = ()
    """The fields that the words name; empty when they name none."""
    number: tuple[float, ...] = ()
    group: int = 0
    """Conditions joined by "and", "or" or commas have the same."""
    is_only: bool = False
    said: str = ""


@dataclass(slots=True)
class Ranking:
    """The best, the worst, or all in order."""

    direction: Direction = ""
    count: int | None = None
    metric: str = ""
    is_plural: bool = True
    subject: int | None = None
    """Which of the parts is ranked."""


@dataclass(slots=True)
class Draft:
    """What a cut says."""

    metrics: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    """What a metric is divided by: other metrics."""
    by: list[Part] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)
    versus: list[Time] = field(default_factory=list)
    time_fields: tuple[str, ...] = ()
    ranking: Ranking = field(default_factory=Ranking)
    show: Show = "auto"
    flags: set[str] = field(default_factory=set)
    removed: list[Part] = field(default_factory=list)
    """Fields whose conditions go: "all departments"."""
    unknown: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    penalty: float = 0.0
    """What choices cost that could have been made otherwise, in points of a cut."""
    choices: int = 0
    unused: list[Term] = field(default_factory=list)
    """Nouns that were passed over: "for all stores"."""
    spans: list[tuple[int, int, str, str, str]] = field(default_factory=list)
    """From token to token: what became of the words (kind, name, how)."""

    def doubt(self, points: float) -> None:
        """Count a choice that could have been made otherwise."""
        self.penalty += points
        self.choices += 1
