"""What the groups of a cut say, read from left to right: metrics, dimensions, conditions, periods, a ranking.

A draft is still in words where words allow several readings: which of several fields one means is chosen when the metrics are known
(`assembly.py`, `where.py`).
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
RANKS: tuple[Direction, ...] = ("top", "bottom", "highest", "lowest", "best", "worst")


class Part(msgspec.Struct, frozen=True):
    """Something to group by: one of these fields, or a grain."""

    refs: tuple[str, ...] = ()
    grain: Grain | None = None
    said: str = ""
    is_plural: bool = True


class Condition(msgspec.Struct, frozen=True):
    """One of these values, or a comparison with a number on one of these fields."""

    op: Operator
    values: tuple[Value, ...] = ()
    refs: tuple[str, ...] = ()
    """The fields that the words name; empty when they name none."""
    number: tuple[float, ...] = ()
    group: int = 0
    """Conditions joined by "and", "or" or commas have the same."""
    is_joined: bool = False
    """Whether it is joined to the one before."""
    said: str = ""


@dataclass(slots=True)
class Ranking:
    """The best, the worst, or all in order."""

    direction: Direction = ""
    count: int | None = None
    metric: str = ""
    is_plural: bool = True
    has_subject: bool = False
    """Whether what is ranked has been named."""
    is_named: bool = False
    """Whether it was named right there: the top departments of each region are beyond a query."""
    by_change: str = ""
    """The words that rank by how much the metric changed."""
    is_falling: bool = False
    """Whether what is highest is a loss: the lowest of what the metric measures."""


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
    uncompared: list[Time] = field(default_factory=list)
    """What it is to be compared with no more: for follow-ups."""
    time_fields: tuple[str, ...] = ()
    ranking: Ranking = field(default_factory=Ranking)
    show: Show = "auto"
    flags: set[str] = field(default_factory=set)
    removed: list[Part] = field(default_factory=list)
    """Fields whose conditions go: "all departments"."""
    without: list[str] = field(default_factory=list)
    """Metrics that are left out: for follow-ups."""
    dropped: list[Part] = field(default_factory=list)
    """Fields that are left out: in a follow-up, what was grouped by or held to them."""
    unknown: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    number: int | None = None
    """A number alone: "make it ten"."""
    pending: int | None = None
    """A number before a noun: "the ten stations with the …"."""
    unit: tuple[str, Part] | None = None
    """The metric and the noun of "A per B" that became a metric of their own, should the noun be needed."""
    penalty: float = 0.0
    """What choices cost that could have been made otherwise, in points of a cut."""
    choices: int = 0
    unused: list[Term] = field(default_factory=list)
    """Nouns that were passed over: "for all stores"."""
    replaced: list[tuple[str, Term, Grain | None]] = field(default_factory=list)
    """What something else is to stand for: `takings instead of trips`; its words, what they may mean, or a grain."""
    verbs: list[Term] = field(default_factory=list)
    """What verbs are the doing of: "how much did we sell"."""

    def doubt(self, points: float) -> None:
        """Count a choice that could have been made otherwise."""
        self.penalty += points
        self.choices += 1
