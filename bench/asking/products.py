"""Similar products at a steady rate, and the vector store taken away under load."""

from __future__ import annotations

import asyncio

from harness import DATA, Claim, claim, progress
from peers import similar

RATE = 50.0


async def claims(*, quick: bool) -> dict[str, Claim]:
    """First pages, recall, and a drill of five minutes (twenty seconds with --quick)."""
    return await asyncio.to_thread(_measured, quick=quick)


def _measured(*, quick: bool) -> dict[str, Claim]:
    with similar.instance(DATA.parent / "bench-similar") as data:
        progress("first pages of similar products")
        pages = similar.first_page(data, 10.0 if quick else 30.0, RATE, seed=similar.time.time_ns() % 1_000_000)
        found = similar.recall(data, 40 if quick else 200)
        duration = "20s" if quick else "5m"
        progress(f"the vector store goes away under load, {duration}")
        drilled = similar.drill(data, duration, RATE)
    how = f"{RATE:g} requests/s, open loop, each product once, through the gateway; {pages.by_meaning} by meaning, {pages.failed} failed"
    drill_how = f"{RATE:g} page views/s for {duration}; the store's process is ended at a random moment and held off; {drilled}"[:600]
    return {
        "similar products, first page, p95": claim(pages.p95_ms, "ms", "≤ 100", pages.views, how),
        "similar products, first page, p50": claim(pages.p50_ms, "ms", "", pages.views, how),
        "HNSW recall, first 50": claim(100 * found.at_50, "%", "", 200, "of the rows that looking at every vector finds"),
        "HNSW recall, first 500": claim(100 * found.at_500, "%", "", 200, "the same, over ten pages"),
        "vector drill, answers of 500 and above": claim(
            _number(drilled, "failed"), "answers", "≤ 0", int(_number(drilled, "views")), drill_how
        ),
        "vector drill, degraded panels that did not say so": claim(_number(drilled, "silent"), "panels", "≤ 0", 1, drill_how),
        "vector drill, as usual again after": claim(_number(drilled, "recovered_s"), "s", "", 1, drill_how),
    }


def _number(drilled: dict[str, object], name: str) -> float:
    value = drilled[name]
    return float(value) if isinstance(value, int | float) else float("nan")
