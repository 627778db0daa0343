"""What the model proxy costs: CPU a call, added latency, streams, cache hits, memory over time; beside nginx and Envoy in the same run.

python bench/model_proxy.py [--quick] [--only cpu,peers,open,streams,cache,soak,embedded] [--json]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec
import uvloop

from harness import Claim, claim, closed_loop, open_loop, progress, quantile, report
from peers.embedded import embedded
from peers.proxies import LOAD_CORE, PEERS, Peer, mock
from peers.race import peers
from peers.streams import first_chunks, hold_streams

CONNECTIONS = 16
RATE = 1000.0
STREAMS = 1000


class Load(msgspec.Struct, frozen=True):
    """What one closed loop showed."""

    per_second: float
    cpu_us: float
    """Of the proxy's processes, background work included, for each answer."""
    p50_ms: float
    p99_ms: float
    requests: int
    memory_mb: float


def load(peer: Peer, seconds: float, *, temperature: float = 0.2, settle: float = 1.5) -> Load:
    """As many calls as the proxy answers on its core; then time for what it does in the background."""
    request = peer.request(temperature=temperature)
    before = peer.cpu_seconds()
    rate, latencies, failed = uvloop.run(closed_loop([peer.address], request, connections=CONNECTIONS, seconds=seconds))
    time.sleep(settle)
    used = peer.cpu_seconds() - before
    if failed:
        raise RuntimeError(f"{peer.name}: {failed} of {len(latencies)} calls failed; it says {peer.says()!r}")
    ordered = sorted(latencies)
    return Load(
        rate,
        used / len(latencies) * 1e6,
        quantile(ordered, 0.5) * 1000,
        quantile(ordered, 0.99) * 1000,
        len(latencies),
        peer.memory_bytes() / 1e6,
    )


def started(stack: ExitStack, folder: Path, provider: Path, *names: str) -> dict[str, Peer]:
    """The named peers, warm and pinned."""
    peers = {}
    for name in names:
        place = folder / name
        place.mkdir(exist_ok=True)
        peers[name] = stack.enter_context(PEERS[name](place, provider))
        load(peers[name], 1.0, settle=0.0)
        peers[name].pin()
    return peers


def cpu(folder: Path, quick: bool) -> dict[str, Claim]:
    """CPU a call, in rounds that alternate."""
    rounds, seconds = (2, 2.0) if quick else (5, 8.0)
    seen: dict[str, list[Load]] = {}
    with ExitStack() as stack, mock(folder) as provider:
        peers = started(stack, folder, provider, *PEERS)
        for turn in range(rounds):
            progress(f"closed loop, round {turn + 1} of {rounds}")
            for name, peer in peers.items():
                seen.setdefault(name, []).append(load(peer, seconds))
    claims = {}
    bars = {"whole": "≤ 150", "bare": "≤ 45"}
    for name, loads in seen.items():
        middle = sorted(loads, key=lambda one: one.cpu_us)[len(loads) // 2]
        about = (
            f"closed loop of {CONNECTIONS}, one core: {middle.per_second:,.0f} answers/s, p50 {middle.p50_ms:.2f} ms, "
            f"p99 {middle.p99_ms:.2f} ms, {middle.memory_mb:.0f} MB; median of {rounds} rounds"
        )
        samples = sum(one.requests for one in loads)
        claims[f"CPU a completion, {peers[name].name}"] = claim(middle.cpu_us, "µs", bars.get(name, ""), samples, about)
    return claims


def open_rate(folder: Path, quick: bool) -> dict[str, Claim]:
    """Added latency at a steady rate, beside Envoy's, with the provider asked directly in the same round as the base line."""
    rounds, seconds = (3, 2.0) if quick else (10, 6.0)
    seen: dict[str, list[list[float]]] = {}
    with ExitStack() as stack, mock(folder) as provider:
        peers = started(stack, folder, provider, "whole", "envoy")
        peers["direct"] = Peer("direct", provider, ())
        for turn in range(rounds):
            progress(f"open loop at {RATE:.0f}/s, round {turn + 1} of {rounds}")
            for name, peer in peers.items():
                latencies, failed = uvloop.run(open_loop([peer.address], [peer.request()], rate=RATE, seconds=seconds))
                if failed:
                    raise RuntimeError(f"{peer.name}: {failed} failed")
                seen.setdefault(name, []).append(latencies)
    claims = {}
    for label, q, bar in (("p50", 0.5, "≤ 2"), ("p99", 0.99, "≤ 3")):
        direct = [quantile(one, q) for one in seen["direct"]]
        mine, theirs = (
            statistics.median(quantile(one, q) - base for one, base in zip(seen[name], direct, strict=True)) * 1000
            for name in ("whole", "envoy")
        )
        about = (
            f"open loop at {RATE:.0f}/s: {mine:.3f} ms added, Envoy {theirs:.3f} ms, direct {statistics.median(direct) * 1000:.3f} ms; "
            f"medians of {rounds} rounds, each beside its own"
        )
        ratio = mine / max(1e-6, theirs)
        claims[f"Added latency {label}, as a ratio to Envoy's"] = claim(ratio, "×", bar, sum(map(len, seen["whole"])), about)
    return claims


def streams(folder: Path, quick: bool) -> dict[str, Claim]:
    """The first piece's delay beside Envoy, then a thousand streams at once."""
    count = 200 if quick else 1000
    first: dict[str, list[float]] = {}
    with ExitStack() as stack, mock(folder, gap_ms=5, pieces=3) as provider:
        peers = started(stack, folder, provider, "whole", "envoy")
        progress("first pieces")
        for _ in range(4):
            for name, peer in peers.items():
                first.setdefault(name, []).extend(uvloop.run(first_chunks(peer.address, peer.request(stream=True), count // 4)))
    mine, theirs = (statistics.median(first[name]) * 1000 for name in ("whole", "envoy"))
    told = f"medians {mine:.3f} and {theirs:.3f} ms, one stream at a time"
    claims = {"First piece, added over Envoy": claim(mine - theirs, "ms", "≤ 1", len(first["whole"]), told)}
    gap_ms, pieces = 200.0, 25 if quick else 75
    with ExitStack() as stack, mock(folder, gap_ms=gap_ms, pieces=pieces) as provider:
        peer = started(stack, folder, provider, "whole")["whole"]
        progress(f"{STREAMS} streams at once")
        uvloop.run(hold_streams(peer.address, peer.request(stream=True), 50, peer.memory_bytes))
        empty, used, began = peer.memory_bytes(), peer.cpu_seconds(), time.perf_counter()
        held = uvloop.run(hold_streams(peer.address, peer.request(stream=True), STREAMS, peer.memory_bytes))
        busy = (peer.cpu_seconds() - used) / (time.perf_counter() - began)
    about = f"{held.whole} of {STREAMS} whole, {held.pieces:,} pieces, one every {gap_ms:.0f} ms a stream; {busy:.0%} of a core"
    claims["Streams at once that ended whole"] = claim(held.whole, "streams", f"≥ {STREAMS}", STREAMS, about)
    claims["Longest silence of any stream"] = claim(held.longest_gap * 1000, "ms", "≤ 1,000", held.pieces, about)
    claims["Memory a stream"] = claim((held.memory - empty) / STREAMS / 1000, "KB", "≤ 20", STREAMS, "resident, at its highest over before")
    return claims


def cache(folder: Path, quick: bool) -> dict[str, Claim]:
    """Exact hits."""
    with ExitStack() as stack, mock(folder) as provider:
        peer = started(stack, folder, provider, "whole")["whole"]
        progress("exact cache")
        load(peer, 0.5, temperature=0.0, settle=0.0)
        seen = load(peer, 3.0 if quick else 15.0, temperature=0.0)
    about = f"every stage on; {seen.cpu_us:.0f} µs of CPU each; {seen.per_second:,.0f}/s in the loop, which shares a core with the load"
    return {"Exact-cache hits a second and core": claim(1e6 / seen.cpu_us, "/s", "≥ 8,000", seen.requests, about)}


def soak(folder: Path, quick: bool) -> dict[str, Claim]:
    """Memory over many calls; a quarter of them warms up."""
    total = 100_000 if quick else 2_000_000
    sizes: list[float] = []
    with ExitStack() as stack, mock(folder) as provider:
        peer = started(stack, folder, provider, "whole")["whole"]
        done = 0
        while done < total:
            done += load(peer, 5.0, settle=0.2).requests
            sizes.append(peer.memory_bytes() / 1e6)
            progress(f"soak: {done:,} of {total:,}, {sizes[-1]:.0f} MB")
    warm = sizes[len(sizes) // 4 :]
    half = max(1, len(warm) // 2)
    growth = statistics.median(warm[half:] or warm) - statistics.median(warm[:half])
    about = f"{warm[0]:.0f} MB after warm-up, {sizes[-1]:.0f} MB at the end; median of the later half over that of the earlier"
    return {"Memory growth after warm-up": claim(growth, "MB", "≤ 8", done, about)}


PARTS: dict[str, Callable[[Path, bool], dict[str, Claim]]] = {
    "cpu": cpu,
    "peers": peers,
    "open": open_rate,
    "streams": streams,
    "cache": cache,
    "soak": soak,
    "embedded": embedded,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", default="", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    claims: dict[str, Claim] = {}
    for name in options.only.split(",") if options.only else PARTS:
        with tempfile.TemporaryDirectory(prefix="mp") as folder:
            claims |= PARTS[name](Path(folder), options.quick)
    return report(claims, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
