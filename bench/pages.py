"""How fast a real page is: in a browser, at the socket, through the gateway, and beside Streamlit and Dash.

python bench/pages.py [--quick] [--only browser,throughput,peers,boundaries,growth] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from harness import (
    DATA,
    REPOSITORY,
    Claim,
    Instance,
    chromium,
    claim,
    closed_loop,
    get,
    instance,
    open_loop,
    page_request,
    progress,
    quantile,
    report,
    window,
)
from seawall.telemetry.boundaries import by_trace, exclusive_ms
from seawall.telemetry.collector import read_spans

PAGE = "/merchandising/demand"
EMPTY_PAGE = "/auth/sign-in"
"""A heading and a sentence, with the site's style sheet."""
WATCH = """
window.seen = {};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") seen.fcp = entry.startTime;
}).observe({ type: "paint", buffered: true });
const painted = (name) => requestAnimationFrame(() => setTimeout(() => (seen[name] ??= performance.now())));
const look = () => {
  const panels = [...document.querySelectorAll("section.panel")];
  const there = panels.filter((panel) => panel.querySelector(".panel-body") && !panel.querySelector(".skeleton, .failed"));
  if (there.length) painted("first");
  if (panels.length && there.length === panels.length && document.readyState !== "loading") painted("all");
};
new MutationObserver(look).observe(document, { childList: true, subtree: true });
document.addEventListener("DOMContentLoaded", look);
"""


def open_page(browser: Any, url: str, token: str, before: Callable[[], None] = lambda: None, *, settled: bool = True) -> dict[str, float]:
    """One visit with an empty browser cache: times in ms since navigation, bytes on the wire, bytes of script.

    `before` runs when the window is there, right before the visit.
    """
    with window(browser, cookies={"seawall_token": token}, url=url, settled=settled) as page:
        page.add_init_script(WATCH)
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        kinds: dict[str, str] = {}
        size = {"all": 0.0, "script": 0.0}

        def finished(event: dict[str, Any]) -> None:
            size["all"] += event["encodedDataLength"]

        def arrived(event: dict[str, Any]) -> None:
            if kinds.get(event["requestId"]) == "Script":
                size["script"] += event["encodedDataLength"]

        wire.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
        wire.on("Network.loadingFinished", finished)
        wire.on("Network.dataReceived", arrived)
        before()
        seen = visit(page, url + PAGE)
        seen["old"] = page.locator("section.panel .age.stale, section.panel .age.summary").count()
        page.wait_for_timeout(400)  # what loads when idle counts as well
    return {**seen, "bytes": size["all"], "script": size["script"]}


def glance(
    browser: Any, url: str, token: str, path: str, before: Callable[[], None] = lambda: None, *, rendered: bool = False
) -> dict[str, float]:
    """When `path` paints, in a new window; `rendered`: in a tab that has shown another page of ours, its HTTP cache emptied."""
    with window(browser, cookies={"seawall_token": token}, url=url) as page:
        if rendered:
            page.goto(url + EMPTY_PAGE)
            page.context.new_cdp_session(page).send("Network.clearBrowserCache")
        page.add_init_script(WATCH)
        before()
        seen = visit(page, url + path)
        page.wait_for_timeout(400)
    return seen


def visit(page: Any, url: str) -> dict[str, float]:
    """Go there and wait until it is painted, our page until every panel is."""
    page.goto(url, wait_until="load")
    done = "seen.fcp !== undefined" + (" && seen.all !== undefined" if url.endswith(PAGE) else "")
    page.wait_for_function(f"() => {done}", timeout=30_000)
    seen: dict[str, float] = page.evaluate("seen")
    return seen


def floor_claims(
    empty: list[dict[str, float]], again: list[dict[str, float]], empty_cold: list[dict[str, float]], opening: list[dict[str, float]]
) -> dict[str, Claim]:
    """What the set-up itself takes, and what a user who is already there sees: stated, not promised."""
    how = f"{EMPTY_PAGE}, a heading and a sentence, visited in turn with the page: what this browser on this machine takes for any page"
    there = "the same page in a tab that already has its renderer (it showed the sign-in page), HTTP cache emptied, visited in turn"
    young = "warm, in a window opened in the same moment: this browser loads some 420 files of its own address bar beside the page"
    how_cold = (
        f"{EMPTY_PAGE} right after the same cold start, nothing of Demand asked for: it needs no query, and of the ui only its write lane"
    )
    claims = {}
    for label, q in (("p50", 0.5), ("p95", 0.95)):
        value = quantile([one["fcp"] for one in empty_cold], q)
        claims[f"an almost empty page of ours, first contentful paint, cold, {label}"] = claim(value, "ms", "", len(empty_cold), how_cold)
        value = quantile([one["fcp"] for one in empty], q)
        claims[f"an almost empty page of ours, first contentful paint, {label}"] = claim(value, "ms", "", len(empty), how)
        for key, words in (("first", "first data panel painted"), ("fcp", "first contentful paint"), ("all", "all panels in place")):
            value = quantile([one[key] for one in again], q)
            claims[f"{words}, warm, tab with a renderer, {label}"] = claim(value, "ms", "", len(again), there)
            value = quantile([one[key] for one in opening], q)
            claims[f"{words}, warm, window still opening, {label}"] = claim(value, "ms", "", len(opening), young)
    return claims


def browser_claims(made: Instance, *, quick: bool) -> dict[str, Claim]:
    """The page in headless Chromium through Envoy."""
    token = made.token()
    with chromium() as browser:
        for _ in range(3):
            open_page(browser, made.url, token)
        warm, empty, again, opening = [], [], [], []
        for _ in range(8 if quick else 40):
            warm.append(open_page(browser, made.url, token))
            opening.append(open_page(browser, made.url, token, settled=False))
            empty.append(glance(browser, made.url, token, EMPTY_PAGE))
            again.append(glance(browser, made.url, token, PAGE, rendered=True))
        cold, empty_cold = [], []
        for index in range(3 if quick else 12):
            progress(f"cold start {index + 1}")
            cold.append(open_page(browser, made.url, token, made.restart_cold))
            if index % 2 == 0:
                empty_cold.append(glance(browser, made.url, token, EMPTY_PAGE, made.restart_cold))

    how = "headless Chromium at 1440 px through Envoy, each visit in a new window with an empty cache, open for 1.5 s"
    how += "; milliseconds since navigation start"
    how += "; every panel with data, a failed one does not count"
    old = sum(one["old"] for one in cold)
    how_cold = how + f"; Valkey emptied and both ui lanes restarted before each visit; {old:g} panels in all were last-good answers"
    p95 = lambda them, key: quantile([one[key] for one in them], 0.95)  # noqa: E731
    return floor_claims(empty, again, empty_cold, opening) | {
        "first data panel painted, warm, p95": claim(p95(warm, "first"), "ms", "≤ 200", len(warm), how),
        "first contentful paint, warm, p95": claim(p95(warm, "fcp"), "ms", "≤ 200", len(warm), how),
        "first contentful paint, cold, p95": claim(p95(cold, "fcp"), "ms", "≤ 200", len(cold), how_cold),
        "all panels in place, warm, p95": claim(p95(warm, "all"), "ms", "≤ 400", len(warm), how),
        "all panels in place, cold, p95": claim(p95(cold, "all"), "ms", "≤ 1200", len(cold), how_cold),
        "bytes on the wire": claim(
            p95(warm, "bytes") / 1000, "KB", "≤ 80", len(warm), "document, style, script, beacons; headers included"
        ),
        "script before interaction": claim(
            p95(warm, "script") / 1000, "KB", "≤ 8", len(warm), "brotli bodies of every script that comes unasked, web-vitals included"
        ),
    }


async def throughput(made: Instance, *, quick: bool) -> dict[str, Claim]:
    """Cached page views a second, with the load generator on the same two cores."""
    token = made.token()
    sockets = [made.socket("ui-read", replica) for replica in range(2)]
    gateway = made.url.removeprefix("http://").replace("localhost", "127.0.0.1")
    request = page_request(PAGE, token)
    seconds = 2.0 if quick else 6.0
    at_socket, through = [], []
    for address in (*sockets, *sockets, gateway):
        await closed_loop([address], request, connections=4, seconds=0.5)
    for _ in range(2 if quick else 5):
        rate, _, failed = await closed_loop(sockets, request, connections=8, seconds=seconds)
        at_socket.append(rate if not failed else 0.0)
        rate, _, failed = await closed_loop([gateway], request, connections=16, seconds=seconds)
        through.append(rate if not failed else 0.0)
    how = f"closed loop, {seconds:g} s a run, runs interleaved, median; whole page, 14 panels, read by a generator on the same cores"
    return {
        "page views a second, cached, at the ui socket": claim(quantile(at_socket, 0.5), "1/s", "≥ 3000", len(at_socket), how),
        "page views a second, cached, through Envoy with JWT and spans": claim(quantile(through, 0.5), "1/s", "≥ 1000", len(through), how),
    }


async def boundaries(made: Instance, *, quick: bool) -> dict[str, Claim]:
    """Exclusive time by boundary at 50 page views a second."""
    gateway = made.url.removeprefix("http://").replace("localhost", "127.0.0.1")
    tokens = [made.token("approver", f"bench{index}") for index in range(4)]
    requests = [page_request(PAGE, token) for token in tokens]
    claims: dict[str, Claim] = {}
    for state, bars in (("warm", {"gateway": "≤ 20", "ui": "≤ 60", "storage": "≤ 40"}), ("cold", {"gateway": "", "ui": "", "storage": ""})):
        if state == "cold":
            made.restart_cold()
        else:
            await open_loop([gateway], requests, rate=50, seconds=2)
        since = time.time_ns()
        seconds = 5 if quick else 30
        latencies, failed = await open_loop([gateway], requests, rate=50, seconds=seconds)
        await asyncio.sleep(4)
        traces = by_trace(one for one in read_spans(made.data / "telemetry", since_ns=since) if one.boundary)
        views = [taken for trace in traces.values() if "ui" in (taken := exclusive_ms(trace))]
        times = {name: [taken.get(name, 0.0) for taken in views] for name in bars}
        how = f"50 page views/s for {seconds} s, open loop, {len(traces)} traces from the collector, {failed} failed; {state} caches"
        for name, bar in bars.items():
            claims[f"{name} exclusive time, {state}, p95"] = claim(
                quantile(times[name], 0.95) if times[name] else float("nan"), "ms", bar, len(times[name]), how
            )
        if state == "cold":
            asked = [taken for taken in views if taken.get("storage")]
            for name in bars:
                value = quantile([taken.get(name, 0.0) for taken in asked], 0.95) if asked else float("nan")
                told = f"{how}; only the views that asked a store: each answer is made once and then shared"
                claims[f"{name} exclusive time, cold, views that asked a store, p95"] = claim(value, "ms", "", len(asked), told)
        claims[f"page view, {state}, p95"] = claim(
            quantile(latencies, 0.95) * 1000, "ms", "≤ 300" if state == "warm" else "", len(latencies), how
        )
    return claims


def growth(*, quick: bool) -> dict[str, Claim]:
    """Panels ×4 and users ×10 (rows ×10 is in bench/query.py): what happens to latency and memory."""
    claims: dict[str, Claim] = {}
    app = wide_app(DATA.parent / "bench-wide" / "merchandising", 4)
    seconds = 3 if quick else 10
    for name, folder, data, users in (
        ("as shipped", None, DATA, 10),
        ("users ×10", None, DATA, 100),
        ("panels ×4", app, DATA.parent / "bench-wide" / "data", 10),
    ):
        progress(f"growth: {name}")
        with instance(folder, data) as made:
            tokens = [made.token("viewer", f"u{index}", f"store_groups={group(index)}") for index in range(users)]
            requests = [page_request(PAGE, token) for token in tokens]
            gateway = made.url.removeprefix("http://").replace("localhost", "127.0.0.1")
            first = [timed(made.url + PAGE, token) for token in tokens]
            latencies, failed = asyncio.run(open_loop([gateway], requests, rate=20, seconds=seconds))
            memory = sum(one["memory_bytes"] or 0 for one in made.services()) / 1e6
        how = f"20 page views/s through Envoy for {seconds} s, {users} users in 15 different row policies, {failed} failed"
        claims[f"growth, {name}: first views, p95"] = claim(
            quantile(first, 0.95) * 1000, "ms", "", len(first), "each user's first view, whole, one after the other, before the others"
        )
        for label, value, unit in (
            ("p50", quantile(latencies, 0.5) * 1000, "ms"),
            ("p95", quantile(latencies, 0.95) * 1000, "ms"),
            ("memory", memory, "MB"),
        ):
            claims[f"growth, {name}: {label}"] = claim(value, unit, "", len(latencies), how)
    return claims


def timed(url: str, token: str) -> float:
    """Seconds one whole view takes."""
    started = time.perf_counter()
    get(url, token)
    return time.perf_counter() - started


def group(index: int) -> str:
    """One of the fifteen non-empty sets of store groups."""
    names = ["North", "South", "East", "West"]
    chosen = [name for bit, name in enumerate(names) if (index % 15 + 1) >> bit & 1]
    return "|".join(chosen)


def wide_app(folder: Path, times: int) -> Path:
    """A copy of the reference app whose Demand page has its panels `times` over."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REPOSITORY / "apps" / "merchandising", folder)
    app = yaml.safe_load((folder / "app.yaml").read_text())
    page = app["pages"]["demand"]
    panels, layout = dict(page["panels"]), list(page["layout"])
    for copy in range(2, times + 1):
        for name, panel in panels.items():
            page["panels"][f"{name}_{copy}"] = (
                {**panel, "height": 240 + copy} if "dataset" in panel else {**panel, "description": f"Copy {copy}"}
            )
        page["layout"] += [[f"{name}_{copy}" for name in row] for row in layout]
    (folder / "app.yaml").write_text(yaml.safe_dump(app, sort_keys=False, allow_unicode=True))
    return folder


def main() -> int:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer samples, for a look")
    parser.add_argument("--json", action="store_true", help="one JSON object, claim → figures")
    parser.add_argument("--only", default="browser,throughput,boundaries,peers,growth")
    options = parser.parse_args()
    chosen = set(options.only.split(","))
    claims: dict[str, Claim] = {}
    if chosen - {"growth"}:
        with instance() as made:
            get(made.url + PAGE, made.token())
            if "browser" in chosen:
                claims |= browser_claims(made, quick=options.quick)
            if "throughput" in chosen:
                claims |= asyncio.run(throughput(made, quick=options.quick))
            if "boundaries" in chosen:
                claims |= asyncio.run(boundaries(made, quick=options.quick))
            if "peers" in chosen:
                from peers.compare import peers

                claims |= peers(made, open_page, quick=options.quick)
    if "growth" in chosen:
        claims |= growth(quick=options.quick)
    return report(claims, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
