"""How well questions are understood: merchandising's held-out third, and an app over data of another kind that the parser was not made for.

Two runs of the small tier: `accepted`, what it answers with the thresholds that were fitted on other questions (the headline), and
`read`, every reading taken for an answer (what thresholds cost and save).
"""

from __future__ import annotations

from typing import Any

import msgspec

from asking.run import asked, goldens
from asking.stand import Stand, stand
from harness import REPOSITORY, Claim, claim, progress, quantile
from seawall.ask.golden import Golden
from seawall.ask.opening import confidence_of
from seawall.ask.scoring import Attempt, Score, Share, score, share

APPS = {"merchandising": ("held-out",), "flights": ("questions",)}
"""What is judged; `dev` is for whoever improves the parser."""
BARS = {"merchandising": ("≥ 80", "≤ 5"), "flights": ("≥ 65", "≤ 8")}
ROUNDS = 5


async def claims(*, quick: bool, app: str) -> dict[str, Claim]:
    """Right, wrong and refused of one app's judged questions, the share the small tier answers, and how long it takes."""
    known = goldens(REPOSITORY / "apps" / app, *(("dev", *APPS[app]) if app == "merchandising" else APPS[app]))
    chosen = list(goldens(REPOSITORY / "apps" / app, *APPS[app]).values())
    async with stand(app) as made:
        progress(f"{len(chosen)} questions of {app}")
        confidence = confidence_of(made.bundle, REPOSITORY / "apps" / app)
        accepted = await asked(made, known, chosen, confidence)
        read = await asked(made, known, chosen, None)
        times = await _times(made, known, chosen, 1 if quick else ROUNDS)
    return {
        **_understood(app, score(accepted), BARS[app], "small tier with its fitted thresholds"),
        **_understood(f"{app}, every reading taken", score(read), ("", ""), "small tier, no threshold"),
        f"{app}: answered by the small tier": _share(share(_answered(accepted), len(chosen)), "", "of all questions, refusals left out"),
        f"{app}: small tier to the query, p50": claim(quantile(times, 0.5), "ms", "", len(times), _TIMED),
        f"{app}: small tier to the query, p95": claim(quantile(times, 0.95), "ms", "≤ 60", len(times), _TIMED),
    }


async def details(app: str, names: tuple[str, ...], *, accepted: bool) -> dict[str, Any]:
    """Everything about some files of questions, for whoever improves what reads them: scores by kind, and each that is not right."""
    folder = REPOSITORY / "apps" / app
    known = goldens(folder, *names)
    async with stand(app) as made:
        attempts = await asked(made, known, list(known.values()), confidence_of(made.bundle, folder) if accepted else None)
    return {"score": msgspec.to_builtins(score(attempts)), "misses": [_told(one) for one in attempts if one.outcome != "right"]}


_TIMED = "one question at a time, its asker's words learnt before, MiniLM in the same process; from text to checked query"


async def _times(made: Stand, known: dict[str, Golden], chosen: list[Golden], rounds: int) -> list[float]:
    """Milliseconds of each reading, again and again; the first round, in which words are embedded, is among them."""
    return [one.milliseconds for _ in range(rounds) for one in await asked(made, known, chosen, None, compare=False)]


def _understood(name: str, told: Score, bars: tuple[str, str], how: str) -> dict[str, Claim]:
    one = told.overall
    return {
        f"{name}: right": _share(one.right, bars[0], how),
        f"{name}: wrong": _share(one.wrong, bars[1], how),
        f"{name}: refused what can be answered": _share(one.refused, "", how),
        f"{name}: right, or the very same table": _share(one.same_result, "", how),
    }


def _share(one: Share, bar: str, how: str) -> Claim:
    return claim(one.share * 100, "%", bar, one.total, f"{how}; 95 % interval {one.low:.1%} to {one.high:.1%}")


def _answered(attempts: list[Attempt]) -> int:
    return sum(one.question is not None for one in attempts)


def _told(one: Attempt) -> dict[str, Any]:
    golden = one.golden
    return {
        "id": golden.id,
        "outcome": one.outcome,
        "question": golden.question[:200],
        "after": golden.after,
        "expected": msgspec.to_builtins(golden.expect) if golden.expect else f"refuse: {golden.refuse}",
        "got": msgspec.to_builtins(one.question) if one.question else f"refused: {one.refusal}",
        "same_result": one.same_result,
        "confidence": round(one.confidence, 3),
    }
