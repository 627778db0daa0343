"""How well questions were understood: right, wrong or refused, with intervals, by kind, and how true confidences come. Pure.

The headline compares canonical forms: a question is right when what was understood means what a golden question expects (or also
accepts), and a refusal is right where nothing could be answered. Two questions may give the same table by luck, or by another
way that is as good; that is told beside the headline, never in it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from seawall.ask.calibration import Bin, expected_error, reliability
from seawall.ask.golden import Golden
from seawall.ask.question import Question

Outcome = Literal["right", "wrong", "refused"]
Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
ANSWERABLE, UNANSWERABLE = "(answerable)", "(unanswerable)"


class Attempt(msgspec.Struct, frozen=True):
    """What came of asking one golden question."""

    golden: Golden
    question: Question | None
    """What was understood; None when it was refused."""
    refusal: str = ""
    confidence: float = 0.0
    same_result: bool | None = None
    """Whether another query gave the same table, not an empty one; None where that was not tried."""
    tier: str = ""
    """Who answered: `small`, `large`, `cache`, …"""
    milliseconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """A refusal of what should be refused is right; any answer to it is wrong."""
        if self.golden.accepts(self.question):
            return "right"
        return "refused" if self.question is None else "wrong"


class Share(msgspec.Struct, frozen=True):
    """A count out of a total, and where the true share lies with 95 % confidence (Wilson's interval)."""

    count: int
    total: int
    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.share:.1%} ({self.count}/{self.total}; {self.low:.1%} to {self.high:.1%})"


class Tally(msgspec.Struct, frozen=True):
    """The outcomes of some attempts."""

    right: Share
    wrong: Share
    refused: Share
    same_result: Share
    """Right, or wrong by its form with the very table that was expected."""


class Score(msgspec.Struct, frozen=True):
    """Everything there is to tell about one run."""

    overall: Tally
    by_tag: dict[str, Tally]
    """By kind of question, the answerable and the unanswerable ones first."""
    refusals: dict[str, dict[str, int]]
    """Of refusals: reason expected (`answer` where there was something to answer) → reason given (`answered` where it was not refused)."""
    bins: tuple[Bin, ...]
    """Answers by confidence: how sure, and how often right."""
    calibration_error: float
    misses: tuple[str, ...]
    """The ids of what was answered wrongly."""


def share(count: int, total: int) -> Share:
    """Wilson's score interval; of nothing, anything is possible. Wilson, J. Amer. Statist. Assoc. 22 (1927), 209-212."""
    if not total:
        return Share(0, 0, 0.0, 0.0, 1.0)
    p, z2 = count / total, Z_95 * Z_95
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = Z_95 / (1 + z2 / total) * math.sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    low = 0.0 if count == 0 else max(0.0, middle - half)
    return Share(count, total, p, low, 1.0 if count == total else min(1.0, middle + half))


def tally(attempts: Sequence[Attempt]) -> Tally:
    """How many came out how."""
    outcomes = Counter(attempt.outcome for attempt in attempts)
    total = len(attempts)
    same = sum(attempt.outcome == "right" or attempt.same_result is True for attempt in attempts)
    return Tally(share(outcomes["right"], total), share(outcomes["wrong"], total), share(outcomes["refused"], total), share(same, total))


def score(attempts: Sequence[Attempt]) -> Score:
    """One run, told."""
    answered = [(attempt.confidence, attempt.outcome == "right") for attempt in attempts if attempt.question is not None]
    bins = reliability(answered)
    return Score(
        overall=tally(attempts),
        by_tag=_by_tag(attempts),
        refusals=_refusals(attempts),
        bins=bins,
        calibration_error=expected_error(bins),
        misses=tuple(attempt.golden.id for attempt in attempts if attempt.outcome == "wrong"),
    )


def same_table(one: Sequence[Sequence[object]], other: Sequence[Sequence[object]], *, ordered: bool) -> bool:
    """Whether two answers hold the same rows, and at least one; sums of doubles differ in their last digits.

    `ordered`: whether the question asked for an order, which then counts.
    """
    left, right = (_rounded(rows) for rows in (one, other))
    return bool(left) and (left == right if ordered else Counter(left) == Counter(right))


def _rounded(rows: Iterable[Sequence[object]]) -> list[tuple[str, ...]]:
    return [tuple(f"{value:.9g}" if isinstance(value, float) else str(value) for value in row) for row in rows]


def _by_tag(attempts: Sequence[Attempt]) -> dict[str, Tally]:
    """Tags in the order of how many have them; a language is a tag."""
    counted = Counter(tag for attempt in attempts for tag in set(attempt.golden.tags))
    kinds: dict[str, Callable[[Attempt], bool]] = {
        ANSWERABLE: lambda attempt: attempt.golden.expect is not None,
        UNANSWERABLE: lambda attempt: attempt.golden.expect is None,
    }
    told = {name: tally(held) for name, belongs in kinds.items() if (held := [one for one in attempts if belongs(one)])}
    for tag, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        told[tag] = tally([attempt for attempt in attempts if tag in attempt.golden.tags])
    return told


def _refusals(attempts: Sequence[Attempt]) -> dict[str, dict[str, int]]:
    """Only attempts in which a refusal was due or given."""
    found: dict[str, Counter[str]] = {}
    for attempt in attempts:
        if attempt.golden.refuse is not None or attempt.question is None:
            given = "answered" if attempt.question is not None else attempt.refusal or "(no reason)"
            found.setdefault(attempt.golden.refuse or "answer", Counter())[given] += 1
    return {expected: dict(given.most_common()) for expected, given in sorted(found.items())}
