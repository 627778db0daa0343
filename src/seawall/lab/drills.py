"""What a drill saw, and whether that is as promised. Pure.

The vector store is taken away at a moment nobody knows and given back later, under a steady load of page views. Promised is: no view fails
(a status of 500 or more, or no answer at all), and while the store is away every panel that needs it says that it is worse than usual:
found by words, or an earlier answer with its age. Once the store is back, panels are as usual again, without a restart of anything else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from seawall.core.errors import InvalidInput

State = Literal["usual", "earlier", "words", "sentence", "none"]
"""Of a panel: as usual; an earlier answer with its age; found by words; a sentence instead of rows; there is no such panel."""
SETTLE_S = 1.0
"""Views that begin so shortly after the store was stopped may share an answer that was there before."""
_STATES: tuple[tuple[State, re.Pattern[bytes]], ...] = (
    ("words", re.compile(rb'data-degraded="words"')),
    ("sentence", re.compile(rb'class="failed')),
    ("earlier", re.compile(rb'<time class="age (?:cached|stale|summary)"')),
    ("usual", re.compile(rb"<tbody>|<table")),
)


class Seen(msgspec.Struct, frozen=True):
    """One page view."""

    began: float
    """Seconds since the drill began, like `ended`."""
    ended: float
    status: int
    """0: no answer."""
    needs_vectors: bool
    state: State


class Outage(msgspec.Struct, frozen=True):
    """When the store was away, in seconds since the drill began."""

    stopped: float
    released: float


class Report(msgspec.Struct, frozen=True):
    """What `seawall drill` prints."""

    passed: bool
    views: int
    failed: int
    """Answered with 500 or more."""
    unanswered: int
    silent: int
    """Panels that needed the store while it was away and did not say so."""
    by_words: int
    earlier: int
    sentences: int
    stopped_at_s: float
    away_s: float
    store_back_s: float | None
    """From the release until the store was ready; None: not within the drill."""
    recovered_s: float | None
    """From the release until panels were as usual again: the last that was worse came before it, and one as usual after. None: never."""
    p95_before_ms: float
    p95_away_ms: float
    rate: float
    """Views a second that were made."""


def choose_outage(seconds: float, source: random.Random) -> Outage:
    """A moment within the window and how long the store stays away; there is time before, and as long again to recover."""
    if seconds < 10:
        raise InvalidInput("A drill needs some time", expected="at least 10 s", got=f"{seconds:g} s")
    away = seconds * source.uniform(0.25, 0.35)
    stopped = seconds * source.uniform(0.15, 0.95 - 0.25) - away * 0.5
    stopped = min(max(stopped, seconds * 0.15), seconds * 0.75 - away)
    return Outage(stopped, stopped + away)


def state_of(page: bytes) -> State:
    """How the page's panel of similar rows is."""
    return next((state for state, pattern in _STATES if pattern.search(page)), "none")


def judge(seen: Sequence[Seen], outage: Outage, seconds: float, store_back_s: float | None) -> Report:
    """The report on what was seen."""
    failed = sum(each.status >= 500 for each in seen)
    unanswered = sum(each.status == 0 for each in seen)
    vectors = [each for each in seen if each.needs_vectors and each.status == 200]
    away = [each for each in vectors if each.began >= outage.stopped + SETTLE_S and each.ended <= outage.released]
    silent = sum(each.state in ("usual", "none") for each in away)
    recovered = _recovered(vectors, outage)
    return Report(
        passed=not (failed or unanswered or silent) and bool(away) and recovered is not None,
        views=len(seen),
        failed=failed,
        unanswered=unanswered,
        silent=silent,
        by_words=sum(each.state == "words" for each in away),
        earlier=sum(each.state == "earlier" for each in away),
        sentences=sum(each.state == "sentence" for each in away),
        stopped_at_s=round(outage.stopped, 2),
        away_s=round(outage.released - outage.stopped, 2),
        store_back_s=None if store_back_s is None else round(store_back_s, 2),
        recovered_s=None if recovered is None else round(recovered, 2),
        p95_before_ms=_p95([each for each in seen if each.ended < outage.stopped]),
        p95_away_ms=_p95([each for each in seen if each.began >= outage.stopped and each.ended <= outage.released]),
        rate=round(len(seen) / seconds, 1),
    )


def _recovered(vectors: Sequence[Seen], outage: Outage) -> float | None:
    after = [each for each in vectors if each.began >= outage.released]
    worse = max((each.ended for each in after if each.state in ("words", "sentence")), default=outage.released)
    usual = [each.ended for each in after if each.state == "usual" and each.ended >= worse]
    return max(0.0, min(usual) - outage.released) if usual else None


def _p95(seen: Sequence[Seen]) -> float:
    took = sorted(each.ended - each.began for each in seen)
    return round(took[int(0.95 * (len(took) - 1))] * 1000, 1) if took else 0.0
