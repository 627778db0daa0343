"""How well questions are understood: merchandising's held-out third, and an app over data of another kind that the parser was not made for.

The small tier alone, told in two ways: what it answers with the thresholds that were fitted on other questions (the headline), and
every reading taken for an answer (what thresholds cost and save).
"""

from __future__ import annotations

from typing import Any

import msgspec

from asking.run import asked, attempts, goldens
from asking.stand import stand
from harness import REPOSITORY, Claim, claim, progress, quantile
from seawall.ask.opening import confidence_of
from seawall.ask.scoring import Attempt, Score, Share, score, share

JUDGED = {"merchandising": "held-out", "flights": "questions"}
"""The file of each app that judges; `dev` is for whoever improves what reads it."""
BARS = {"merchandising": ("≥ 80", "≤ 5"), "flights": ("≥ 65", "≤ 8")}
_TIMED = "one question at a time, its asker's words learnt before, MiniLM in the same process; from text to a query that was planned"


async def claims(*, quick: bool, app: str) -> dict[str, Claim]:
    """Right, wrong and refused of one app's judged questions, the share the small tier answers, and how long that takes."""
    folder = REPOSITORY / "apps" / app
    chosen = goldens(folder, JUDGED[app])
    async with stand(app) as made:
        progress(f"{len(chosen)} questions of {app}")
        ran = await asked(made, chosen, confidence_of(made.bundle, folder))
        accepted = score(found := await attempts(made, ran, every_reading=False))
        read = score(await attempts(made, ran, every_reading=True))
    times = [one.ms for one in ran]
    answered = share(sum(one.question is not None for one in found), len(found))
    return {
        **_understood(app, accepted, BARS[app], "small tier with its fitted thresholds"),
        f"{app}: calibration error": claim(
            accepted.calibration_error * 100, "points", "", answered.count, "mean distance between confidence and share right, ten bins"
        ),
        f"{app}: answered by the small tier": _share(answered, "", "of all questions, unanswerable ones among them"),
        **_understood(f"{app}, every reading taken", read, ("", ""), "small tier without thresholds"),
        f"{app}: small tier to the query, p50": claim(quantile(times, 0.5), "ms", "", len(times), _TIMED),
        f"{app}: small tier to the query, p95": claim(quantile(times, 0.95), "ms", "≤ 60", len(times), _TIMED),
    }


async def details(app: str, name: str, *, accepted: bool) -> dict[str, Any]:
    """Everything about a file of questions, for whoever improves what reads them: scores by kind, and each that is not right."""
    folder = REPOSITORY / "apps" / app
    async with stand(app) as made:
        ran = await asked(made, goldens(folder, name), confidence_of(made.bundle, folder))
        found = await attempts(made, ran, every_reading=not accepted)
    return {"score": msgspec.to_builtins(score(found)), "misses": [_told(one) for one in found if one.outcome != "right"]}


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
