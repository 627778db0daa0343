"""What the semantic cache shares: of texts that say the same, and of texts that differ in exactly one thing that matters.

A *hit* is an equal signature (`ask/said.py`) for the same asker after the same question; nothing else decides in the cache.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import msgspec

from asking.pairs import Pair, flips, paraphrases, short
from asking.run import goldens
from asking.stand import WAIT, Stand, stand
from harness import REPOSITORY, Claim, claim, progress
from seawall.ask.golden import Golden, asker_of
from seawall.ask.lexicon import Lexicon
from seawall.ask.said_of import said_of
from seawall.ask.scoring import Share, share
from seawall.core.deadline import Deadline
from seawall.query.policy import resolve

APP = "merchandising"
FILES = ("dev", "fit")
QUICK = 4
"""With `--quick` every so many questions."""


class Sharing(msgspec.Struct, frozen=True):
    """How pairs came out, in all and by kind."""

    questions: int
    """Golden questions that pairs were made of."""
    hits: Share
    false_hits: Share
    hits_by_kind: dict[str, Share]
    false_by_kind: dict[str, Share]
    wrongly_shared: tuple[str, ...]
    """Each flip that was taken for the same."""
    missed: tuple[str, ...]
    """Each paraphrase that was not."""
    collisions: tuple[str, ...] = ()
    """Golden questions that were taken for one that expects something else."""


async def claims(*, quick: bool) -> dict[str, Claim]:
    """No flip may be taken for the same; how many paraphrases are is told."""
    made = await measure(quick=quick)
    return {
        "semantic cache: false hits on flipped questions": claim(
            made.false_hits.count,
            "pairs",
            "≤ 0",
            made.false_hits.total,
            f"{', '.join(f'{kind} {one.total}' for kind, one in made.false_by_kind.items())}; {_interval(made.false_hits)}",
        ),
        "semantic cache: golden questions taken for others": claim(
            len(made.collisions), "pairs", "≤ 0", made.questions, "any two of one asker that share, and expect different queries"
        ),
        "semantic cache: hits on paraphrases": claim(
            made.hits.share * 100,
            "%",
            "",
            made.hits.total,
            f"{', '.join(f'{kind} {one.share:.0%}' for kind, one in made.hits_by_kind.items())}; {_interval(made.hits)}",
        ),
    }


async def measure(*, quick: bool = False) -> Sharing:
    """Every pair by the real vocabulary over the whole data."""
    chosen = short(goldens(REPOSITORY / "apps" / APP, *FILES))[:: QUICK if quick else 1]
    async with stand(APP) as made:
        flipped, same = flips(chosen), paraphrases(chosen)
        progress(f"{len(flipped)} flips and {len(same)} paraphrases of {len(chosen)} questions")
        signatures = Signatures(made)
        return await _with_collisions(
            chosen,
            signatures,
            told(
                [(pair, await signatures.equal(pair)) for pair in flipped],
                [(pair, await signatures.equal(pair)) for pair in same],
                len(chosen),
            ),
        )


async def _with_collisions(chosen: Sequence[Golden], signatures: Signatures, made: Sharing) -> Sharing:
    """Any two golden questions of one asker after the same one, too: who shares must expect the same."""
    groups: dict[tuple[str, ...], list[Golden]] = {}
    for one in chosen:
        groups.setdefault((one.role, str(one.attributes), one.after, await signatures.of(one)), []).append(one)
    wrong = [
        f"{one.question!r} / {other.question!r}"
        for group in groups.values()
        for one, other in combinations(group, 2)
        if not _alike(one, other)
    ]
    return msgspec.structs.replace(made, collisions=tuple(wrong))


def _alike(one: Golden, other: Golden) -> bool:
    return one.accepts(other.expect) or other.accepts(one.expect)


def told(flipped: Sequence[tuple[Pair, bool]], same: Sequence[tuple[Pair, bool]], questions: int) -> Sharing:
    """Pairs with whether they share, counted."""
    return Sharing(
        questions=questions,
        hits=_share([hit for _, hit in same]),
        false_hits=_share([hit for _, hit in flipped]),
        hits_by_kind=_by_kind(same),
        false_by_kind=_by_kind(flipped),
        wrongly_shared=tuple(str(pair) for pair, hit in flipped if hit),
        missed=tuple(str(pair) for pair, hit in same if not hit),
    )


class Signatures:
    """What each asker's texts say."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._known: dict[tuple[str, str, str], str] = {}

    async def equal(self, pair: Pair) -> bool:
        """Whether the cache takes both for the same."""
        lexicon = await self._lexicon(pair.golden)
        return self._of(pair.golden, pair.golden.question, lexicon) == self._of(pair.golden, pair.other, lexicon)

    async def of(self, one: Golden) -> str:
        """A question's own."""
        return self._of(one, one.question, await self._lexicon(one))

    async def _lexicon(self, one: Golden) -> Lexicon:
        policy = resolve(self._stand.bundle.app, asker_of(one, self._stand.bundle.app))
        return await self._stand.lexicons.of(policy, Deadline.after(WAIT))

    def _of(self, one: Golden, text: str, lexicon: Lexicon) -> str:
        as_of = self._stand.as_of
        assert as_of is not None  # this app's data has a watermark
        key = (one.role + str(one.attributes), one.locale, text)
        if key not in self._known:
            self._known[key] = said_of(text, one.locale, lexicon, as_of).signature()
        return self._known[key]


def _share(hits: Sequence[bool]) -> Share:
    return share(sum(hits), len(hits))


def _by_kind(pairs: Sequence[tuple[Pair, bool]]) -> dict[str, Share]:
    total, hits = Counter(pair.kind for pair, _ in pairs), Counter(pair.kind for pair, hit in pairs if hit)
    return {kind: share(hits[kind], count) for kind, count in sorted(total.items())}


def _interval(one: Share) -> str:
    return f"95 % interval {one.low:.1%} to {one.high:.1%}"


def details() -> dict[str, Any]:
    """Everything, for whoever improves it."""
    return dict(msgspec.to_builtins(asyncio.run(measure())))


if __name__ == "__main__":
    json.dump(details(), sys.stdout, ensure_ascii=False, indent=1)
