"""How fast questions become rows, without pages around them: cold and warm, with ten times the rows, streamed, compiled.

python bench/query.py [--quick] [--json]

Each scale is measured in processes of its own, so that memory is that of one scale. The data is the reference app's own
preparation; at ×10 every transaction is there ten times, for ten times the households. `--quick` leaves ×10 out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from harness import DATA, REPOSITORY, Claim, claim, progress, quantile, report
from seawall.app.load import load_bundle
from seawall.app.model import Bundle, MetricQuery, Panel, RowsQuery
from seawall.core.deadline import Deadline
from seawall.core.principal import Principal
from seawall.query.compile_query import compile_query
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations
from seawall.query.policy import EffectivePolicy, resolve
from seawall.query.service import QueryService
from seawall.workers.preparation.runner import prepare

APP = REPOSITORY / "apps" / "merchandising"
VIEWER = Principal("bench", roles=("viewer",), attributes={"store_groups": ("North", "South")})
PANELS_MAX = 10
EXPORT_ROWS = 1_000_000
WAIT = 120.0
AS_OF = date(2018, 1, 1)


class Shop:
    """The reference app's questions on one prepared warehouse, with no result cache: every answer is computed."""

    def __init__(self, data: Path) -> None:
        self.bundle: Bundle = load_bundle(APP)
        self.policy: EffectivePolicy = resolve(self.bundle.app, VIEWER)
        self.generations = Generations(data / "warehouse")
        self.engine = DuckDBEngine(self.generations.locate, directory=data / "warehouse")
        self.service = QueryService(self.bundle, {"warehouse": self.engine}, self.generations)

    def panels(self) -> list[Panel]:
        """Ten metric panels of the Demand page that read prepared data (forecasts come from a worker later)."""
        found = [panel for panel in self.bundle.app.pages["demand"].panels.values() if not panel.name.startswith("forecast")]
        return [panel for panel in found if isinstance(panel.query, MetricQuery)][:PANELS_MAX]

    def rows(self) -> RowsQuery:
        """The Transactions table: sixteen columns of three datasets, newest first."""
        queries = [panel.query for panel in self.bundle.app.pages["transactions"].panels.values()]
        return next(query for query in queries if isinstance(query, RowsQuery))

    async def ask(self, panel: Panel) -> float:
        """Milliseconds to one panel's whole answer."""
        started = time.perf_counter()
        await self.service.table(panel.query, self.policy, deadline=Deadline.after(WAIT))
        return (time.perf_counter() - started) * 1000

    async def stream(self, limit: int) -> tuple[float, float, int]:
        """A listing of `limit` rows: milliseconds to its first batch and to its last, and how many rows came."""
        started = time.perf_counter()
        opened = await self.service.open(msgspec.structs.replace(self.rows(), limit=limit), self.policy, deadline=Deadline.after(WAIT))
        first, count = 0.0, 0
        async for batch in opened.batches:
            first = first or (time.perf_counter() - started) * 1000
            count += batch.num_rows
        return first, (time.perf_counter() - started) * 1000, count

    async def close(self) -> None:
        """Let go."""
        await self.engine.close()
        await self.generations.close()


# ── in a process of its own ──────────────────────────────────────────────────────────────────────────────────────


async def cold(data: Path) -> dict[str, Any]:
    """The ten panels together in a process that has answered nothing yet."""
    shop = Shop(data)
    panels = shop.panels()
    started = time.perf_counter()
    await asyncio.gather(*(shop.ask(panel) for panel in panels))
    seconds = time.perf_counter() - started
    await shop.close()
    return {"seconds": seconds, "panels": len(panels)}


async def warm(data: Path, rounds: int) -> dict[str, Any]:
    """Each panel alone, again and again; pages of rows; an export; what memory it all took at most."""
    shop = Shop(data)
    figures: dict[str, Any] = {"panels": {panel.name: [] for panel in shop.panels()}, "page": [], "first": [], "whole": []}
    for number in range(rounds + 1):
        for panel in shop.panels():
            milliseconds = await shop.ask(panel)
            if number:
                figures["panels"][panel.name].append(milliseconds)
        _, page, _ = await shop.stream(shop.rows().limit)
        if number:
            figures["page"].append(page)
    for _ in range(max(1, rounds // 4)):
        first, whole, figures["exported"] = await shop.stream(EXPORT_ROWS)
        figures["first"].append(first)
        figures["whole"].append(whole)
    await shop.close()
    figures["memory_mb"] = memory_peak_mb()
    figures["rows"] = shop.generations.current(shop.bundle.app.name).tables["transactions"].rows
    return figures


def memory_peak_mb() -> float:
    """The most this process ever had resident; `getrusage` would count its parent before the exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measured(what: str, data: Path, rounds: int = 0) -> dict[str, Any]:
    """What a fresh process measures."""
    argv = [sys.executable, __file__, "--measure", what, "--data", str(data), "--rounds", str(rounds)]
    made: dict[str, Any] = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return made


# ── claims ───────────────────────────────────────────────────────────────────────────────────────────────────────


def prepared(scale: int) -> Path:
    """A data directory with the app's data at this scale, made when it is not there."""
    data = DATA.parent / f"bench-query-x{scale}"

    async def make() -> None:
        generations = Generations(data / "warehouse")
        await prepare(APP, generations, scale=scale)
        await generations.close()

    progress(f"data ×{scale} in {data.name}")
    asyncio.run(make())
    return data


def cold_claims(data: Path, *, quick: bool) -> dict[str, Claim]:
    """A new process, the data's pages possibly in the system's cache, nothing of ours."""
    runs = [measured("cold", data) for _ in range(3 if quick else 7)]
    how = f"{runs[0]['panels']} panel queries of Demand together, first thing a new process does, as a viewer with a row policy; median"
    return {"ten panels, cold": claim(quantile([run["seconds"] for run in runs], 0.5), "s", "≤ 1", len(runs), how)}


def compile_claims(*, quick: bool) -> dict[str, Claim]:
    """From semantic query to SQL text, the memo of statements left out."""
    app = load_bundle(APP).app
    policy = resolve(app, VIEWER)
    panels = [panel for page in app.pages.values() for panel in page.panels.values() if not panel.name.startswith("forecast")]
    samples: list[float] = []
    for _ in range(20 if quick else 200):
        for panel in panels:
            with _timed(samples):
                compile_query(app, panel.query, policy, dialect="duckdb", as_of=AS_OF)
    how = f"{len(panels)} panels of both pages a viewer may see, joins and policies included"
    return {
        "compile a panel's query, p50": claim(quantile(samples, 0.5), "ms of CPU", "≤ 2", len(samples), how),
        "compile a panel's query, p95": claim(quantile(samples, 0.95), "ms of CPU", "≤ 5", len(samples), how),
    }


def scale_claims(label: str, figures: dict[str, Any]) -> dict[str, Claim]:
    """The growth table's lines for one scale."""
    claims = {}
    how = f"{figures['rows']:,} transactions, one query at a time, nothing cached"
    for name, times in figures["panels"].items():
        claims[f"{label}, {name}: p50"] = claim(quantile(times, 0.5), "ms", "", len(times), how)
        claims[f"{label}, {name}: p95"] = claim(quantile(times, 0.95), "ms", "", len(times), how)
    page = figures["page"]
    paged = f"{how}; 100 rows of 16 columns, newest first"
    claims[f"{label}, first page of Transactions: p95"] = claim(quantile(page, 0.95), "ms", "≤ 100", len(page), paged)
    first, whole = quantile(figures["first"], 0.5), quantile(figures["whole"], 0.5)
    exported = f"{how}; {figures['exported']:,} rows of 16 columns, newest first"
    claims[f"{label}, export: first batch"] = claim(first, "ms", "≤ 300", len(figures["first"]), exported)
    claims[f"{label}, export: first batch as a share of the whole"] = claim(first / whole, "", "≤ 0.25", len(figures["first"]), exported)
    claims[f"{label}, export: rows a second"] = claim(figures["exported"] / whole * 1000, "/s", "", len(figures["whole"]), exported)
    memory = "peak resident memory of the process, engine limit 1 GB"
    claims[f"{label}, memory"] = claim(figures["memory_mb"], "MB", "≤ 600", 1, memory)
    return claims


def growth_claims(one: dict[str, Any], ten: dict[str, Any]) -> dict[str, Claim]:
    """How ×10 compares with ×1 in the same run."""
    total = [sum(quantile(times, 0.5) for times in figures["panels"].values()) for figures in (one, ten)]
    pages = [quantile(figures["page"], 0.5) for figures in (one, ten)]
    count = len(ten["page"])
    return {
        "rows ×10: ten panels": claim(total[1] / total[0], "× the time", "≤ 12", count, "sum of medians, ×10 over ×1"),
        "rows ×10: first page of Transactions": claim(pages[1] / pages[0], "× the time", "≤ 4", count, "medians, ×10 over ×1"),
        "rows ×10: memory": claim(ten["memory_mb"] / one["memory_mb"], "× the memory", "≤ 3", 1, "peak resident, ×10 over ×1"),
    }


def all_claims(*, quick: bool) -> dict[str, Claim]:
    """Everything."""
    small = prepared(1)
    progress("cold start")
    claims = cold_claims(small, quick=quick) | compile_claims(quick=quick)
    progress("rows ×1")
    one = measured("warm", small, 5 if quick else 20)
    claims |= scale_claims("rows ×1", one)
    if not quick:
        large = prepared(10)
        progress("rows ×10")
        ten = measured("warm", large, 20)
        claims |= scale_claims("rows ×10", ten) | growth_claims(one, ten)
    return claims


@contextmanager
def _timed(samples: list[float]) -> Iterator[None]:
    started = time.thread_time()
    yield
    samples.append((time.thread_time() - started) * 1000)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer samples and no ×10, for a look")
    parser.add_argument("--json", action="store_true", help="one JSON object, claim → figures")
    parser.add_argument("--measure", choices=["cold", "warm"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        work = cold(options.data) if options.measure == "cold" else warm(options.data, options.rounds)
        print(json.dumps(asyncio.run(work)))
        return 0
    return report(all_claims(quick=options.quick), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
