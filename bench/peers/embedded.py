"""The models that ship with Seawall, through the whole instance: a mixed load that is more than they can bear.

What is accepted must be answered in time; the rest must be refused early, told when to come again.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

from harness import REPOSITORY, Claim, Instance, claim, instance, progress, quantile

RATE = 6.0
"""Calls a second, about twice what one core generates."""
CATEGORY = {
    "type": "object",
    "properties": {"category": {"enum": ["complaint", "praise", "question"]}},
    "required": ["category"],
    "additionalProperties": False,
}
GOODS = ("milk", "bread", "cheese", "coffee", "salad", "rice", "soap", "fish", "tea", "apples")
WORDS = ("was sour", "is great", "came late", "costs too much", "is where?", "was broken", "tastes of home", "is out of stock")


class Answered(msgspec.Struct, frozen=True):
    """One call: when it ended after it was due (seconds), its status, and whether it said when to come again."""

    kind: str
    seconds: float
    status: int
    retry_after: str


def embedded(folder: Path, quick: bool) -> dict[str, Claim]:
    """The claims. The whole instance may use every core."""
    pinned = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        answers = _answers(folder, 20.0 if quick else 60.0)
    finally:
        os.sched_setaffinity(0, pinned)
    return _claims(answers)


def _answers(folder: Path, seconds: float) -> list[Answered]:
    with instance(REPOSITORY / "apps" / "merchandising", folder / "embedded") as made:
        progress("the embedded models load")
        asyncio.run(_warm(made))
        return asyncio.run(_load(made, seconds))


def _claims(answers: list[Answered]) -> dict[str, Claim]:
    accepted = [one for one in answers if one.status == 200]
    refused = [one for one in answers if one.status == 429]
    failed = len(answers) - len(accepted) - len(refused)
    kinds = ", ".join(f"{sum(one.kind == kind for one in accepted)} {kind}" for kind in ("chat", "schema", "embedding"))
    how = f"{RATE:g} calls/s planned, open loop, {len(answers)} in all: questions, classifications by JSON Schema, embeddings, each its own"
    how += f" text; accepted {kinds}; {len(refused)} refused with 429, {failed} failed otherwise; SmolLM2 135M on one thread, through Envoy"
    told = sum(one.retry_after != "" for one in refused)
    return {
        "embedded models, accepted calls, p95": claim(quantile([one.seconds for one in accepted], 0.95), "s", "≤ 1.5", len(accepted), how),
        "embedded models, accepted calls, p50": claim(quantile([one.seconds for one in accepted], 0.5), "s", "", len(accepted), how),
        "embedded models, accepted share": claim(len(accepted) / len(answers) * 100, "%", "", len(answers), how),
        "embedded models, refusals, p95": claim(
            quantile([one.seconds for one in refused] or [0.0], 0.95), "s", "≤ 1.5", len(refused), "time until the 429"
        ),
        "embedded models, refusals that say when to come again": claim(
            told / len(refused) * 100 if refused else 100.0, "%", "≥ 100", len(refused), "429 with Retry-After"
        ),
        "embedded models, failed otherwise": claim(failed, "calls", "≤ 0", len(answers), "neither 200 nor 429"),
    }


async def _warm(made: Instance) -> None:
    async with _client(made) as client:
        for number in range(3):
            await _ask(client, "chat", number, time.perf_counter())
        await _ask(client, "embedding", 0, time.perf_counter())


async def _load(made: Instance, seconds: float) -> list[Answered]:
    chance = random.Random(7)
    async with _client(made) as client:
        started = time.perf_counter() + 0.1
        tasks = []
        for number in range(int(RATE * seconds)):
            due = started + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            kind = chance.choices(("chat", "schema", "embedding"), (40, 30, 30))[0]
            tasks.append(asyncio.create_task(_ask(client, kind, number + 100, due)))
        return await asyncio.gather(*tasks)


def _client(made: Instance) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=256)
    return httpx.AsyncClient(base_url=f"{made.url}/v1", headers={"authorization": f"Bearer {made.token()}"}, limits=limits, timeout=30)


async def _ask(client: httpx.AsyncClient, kind: str, number: int, due: float) -> Answered:
    text = f"Customer {number} writes: the {GOODS[number % len(GOODS)]} {WORDS[number // 3 % len(WORDS)]}."
    body: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": text}], "max_tokens": 24, "temperature": 0}
    if kind == "schema":
        form = {"name": "category", "strict": True, "schema": CATEGORY}
        body |= {"response_format": {"type": "json_schema", "json_schema": form}}
    if kind == "embedding":
        answer = await client.post("/embeddings", json={"model": "embed", "input": text})
    else:
        answer = await client.post("/chat/completions", json=body)
    return Answered(kind, time.perf_counter() - due, answer.status_code, answer.headers.get("retry-after", ""))
