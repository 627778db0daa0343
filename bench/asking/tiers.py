"""Who answers, how long it takes and what it costs: the parser alone, the cascade, the large tier alone; on a running instance.

The large tier is the model that ships with Seawall (SmolLM2, 135 M parameters, one thread). Questions are the held-out third; what
they are is not shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from asking.run import goldens
from harness import DATA, REPOSITORY, Claim, claim, progress, quantile
from peers import similar
from seawall.app.load import load_bundle
from seawall.ask.calibration import Calibration
from seawall.ask.cascade import LARGE_SECONDS_MAX, Cascade, Confidence
from seawall.ask.golden import Golden
from seawall.ask.scoring import share
from seawall.ask.trial import NEVER, Tried, tried
from seawall.cli.ask import opened, token_of
from seawall.core.principal import Principal

APP = REPOSITORY / "apps" / "merchandising"
SAMPLE_QUICK, SAMPLE = 12, 60
EVERY = Confidence(NEVER.small, Calibration({}, 0.0, 0.0))
"""Everything a model writes is taken that keeps the contract and contradicts nothing."""
SLOW = 20.0


async def claims(*, quick: bool) -> dict[str, Claim]:
    """All of them."""
    chosen = goldens(APP, "held-out")
    some = [one for one in chosen if not one.after][:: 1 if not quick else 4][: SAMPLE_QUICK if quick else SAMPLE]
    with ExitStack() as stack:  # its index is built: the job that builds one takes the same models and cores
        data = await asyncio.to_thread(stack.enter_context, similar.instance(DATA.parent / "bench-similar"))
        bundle = load_bundle(APP)
        async with opened(bundle, APP, data, large=True) as (cascade, _):
            await _ran(cascade, some[:2], data, SLOW, "warming up")
            small = await _ran(cascade.without_large(), chosen, data, SLOW, "the parser alone")
            whole = await _ran(cascade, some if quick else chosen, data, SLOW, "the cascade")
            large = await _ran(cascade.believing(EVERY, large_seconds=SLOW), some, data, SLOW, "the large tier alone")
    return _latency(small, whole) | _costs({"the parser alone": small, "the cascade": whole, "the large tier alone": large})


async def _ran(cascade: Cascade, chosen: Sequence[Golden], data: Path, seconds: float, label: str) -> list[Tried]:
    progress(f"{label}, {len(chosen)} questions")

    def token(principal: Principal) -> str:
        return token_of(data, principal)

    known = [one for one in goldens(APP, "held-out") if one.id not in {each.id for each in chosen}]
    app = load_bundle(APP).app
    return [one async for one in tried(cascade, app, chosen, token, known=known, seconds=seconds)]


def _latency(small: Sequence[Tried], whole: Sequence[Tried]) -> dict[str, Claim]:
    how = "to a query the database has planned, words by meaning through the model proxy of a running instance"
    p95 = lambda ran: quantile([one.ms for one in ran], 0.95)  # noqa: E731
    modelled = [one for one in whole if any(step.name in ("large", "repair") for step in one.outcome.steps)]
    given = f"; the model is waited for {LARGE_SECONDS_MAX} s with its repair, then the question is refused"
    made = {
        "understanding, small tier, p95": claim(p95(small), "ms", "≤ 60", len(small), how),
        "understanding, cascade with the model in the box, p95": claim(p95(whole), "ms", "≤ 1500", len(whole), how + given),
    }
    if modelled:
        label = "understanding, questions that reached the model in the box, p95"
        made[label] = claim(p95(modelled), "ms", "≤ 1500", len(modelled), how + given)
    return made


def _costs(runs: dict[str, Sequence[Tried]]) -> dict[str, Claim]:
    made: dict[str, Claim] = {}
    for label, ran in runs.items():
        answered = [one for one in ran if one.outcome.question is not None]
        right = share(sum(one.golden.accepts(one.outcome.question) for one in ran), len(ran))
        wrong = share(sum(not one.golden.accepts(one.outcome.question) for one in answered), len(ran))
        tokens = sum(one.outcome.tokens_in + one.outcome.tokens_out for one in ran)
        by = {tier: sum(one.outcome.tier == tier for one in ran) for tier in ("small", "cache", "large", "repair")}
        told = ", ".join(f"{tier} {count}" for tier, count in by.items() if count)
        how = f"right {right}; wrong {wrong}; answered by {told or 'nobody'}; {tokens:,} tokens in all, at no price in the box"
        per = tokens / len(answered) if answered else float("nan")
        made[f"{label}: answered"] = claim(100 * len(answered) / max(len(ran), 1), "%", "", len(ran), how)
        made[f"{label}: right"] = claim(100 * right.share, "%", "", len(ran), how)
        made[f"{label}: tokens for an accepted answer"] = claim(per if answered else 0.0, "tokens", "", len(answered), how)
    return made
