"""Our proxy and others before one provider, each alone on one core: what a completion costs, how many a core carries, what is added."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import uvloop

from harness import Claim, claim, free_port, progress, quantile
from peers.calls import closed
from peers.proxies import HERE, process
from peers.rivals import BARE, COSTLIER, RIVALS, WHOLE, Rival, started

CONNECTIONS = 16
WARM_SECONDS = 2.0
BACKGROUND_SECONDS = 1.2
"""After a loop: what was put off until later belongs to it."""
UNCACHED = f"{WHOLE}, calls no cache may keep"
BARS = ((WHOLE, "LiteLLM", "≥ 50"), (WHOLE, "Portkey", "≥ 5"), (BARE, "vllm-router", "≥ 1.5"))
STATED = ((UNCACHED, "LiteLLM"), (UNCACHED, "Portkey"), (BARE, COSTLIER), (WHOLE, "Envoy"), (BARE, "Envoy"), (BARE, "nginx"))


class Turn(msgspec.Struct, frozen=True):
    """What one rival showed in one round."""

    answers: int
    per_second: float
    cpu_us: float
    """Of all its processes, for each answer, work that was put off included."""
    busy: float
    """Of its core, while the loop ran."""
    alone: list[float]
    """Seconds of each call when there is one at a time."""
    memory_mb: float


class Figures(msgspec.Struct, frozen=True):
    """What a rival showed in all rounds: medians, and latencies of all."""

    answers: int
    per_second: float
    per_core: float
    """Answers for each second of CPU."""
    busy: float
    alone: list[float]
    memory_mb: float


def peers(folder: Path, quick: bool) -> dict[str, Claim]:
    """The table, and the ratios that are promised."""
    rounds, seconds = (2, 1.5) if quick else (5, 2.2)
    with ExitStack() as stack:
        provider = stack.enter_context(mock_on_port())
        rivals = [stack.enter_context(_ready(name, provider, folder)) for name in (*RIVALS, WHOLE)]
        turns: dict[str, list[Turn]] = {}
        direct: list[float] = []
        progress(f"{rounds} rounds of {len(rivals)} proxies")
        for _ in range(rounds):
            direct += alone(provider, {}, seconds / 2.5)
            for rival in rivals:
                turns.setdefault(rival.name, []).append(turn(rival, seconds))
                if rival.name == WHOLE:
                    turns.setdefault(UNCACHED, []).append(turn(rival, seconds, temperature=0.2))
            progress("; ".join(f"{name}: {of[-1].cpu_us:,.0f} µs, {of[-1].per_second:,.0f}/s" for name, of in turns.items()))
    figures = {name: summary(of) for name, of in turns.items()}
    about = {rival.name: rival.about() for rival in rivals}
    about[UNCACHED] = "the same process; calls at temperature 0.2, which no cache may keep"
    return table(figures, about, direct, rounds) | ratios(figures)


@contextmanager
def mock_on_port() -> Iterator[int]:
    """The provider, on a port and on the core of the load."""
    port = free_port()
    argv = [sys.executable, str(HERE / "mock_provider.py"), str(port)]
    with process(argv, lambda: bool(alone(port, {}, 0.01))):
        yield port


@contextmanager
def _ready(name: str, provider: int, folder: Path) -> Iterator[Rival]:
    """Started, warm and paused."""
    progress(f"starting {name}")
    place = folder / name.replace(" ", "-").replace(",", "")
    place.mkdir()
    with started(name, provider, place) as rival:
        uvloop.run(closed(rival.way.port, rival.way.headers, connections=CONNECTIONS, seconds=WARM_SECONDS))
        rival.pause()
        yield rival


def turn(rival: Rival, seconds: float, temperature: float = 0.0) -> Turn:
    """One rival's turn; the others stand still meanwhile. RuntimeError when a single call failed."""
    rival.go_on()
    port, headers = rival.way.port, rival.way.headers
    uvloop.run(closed(port, headers, connections=CONNECTIONS, seconds=0.3, temperature=temperature))
    time.sleep(0.2)
    before = rival.cpu_seconds()
    seen = uvloop.run(closed(port, headers, connections=CONNECTIONS, seconds=seconds, temperature=temperature))
    busy = (rival.cpu_seconds() - before) / seen.seconds
    time.sleep(BACKGROUND_SECONDS)
    cpu = rival.cpu_seconds() - before
    latencies = alone(port, headers, seconds / 2.5, temperature)
    memory = rival.rss_mb()
    rival.pause()
    if seen.failed:
        raise RuntimeError(f"{rival.name}: {seen.failed} of {seen.answers} calls failed")
    return Turn(seen.answers, seen.answers / seen.seconds, cpu / len(seen.latencies) * 1e6, busy, latencies, memory)


def alone(port: int, headers: Mapping[str, str], seconds: float, temperature: float = 0.0) -> list[float]:
    """Seconds of each call of a client that makes one at a time. RuntimeError when one failed."""
    seen = uvloop.run(closed(port, headers, connections=1, seconds=seconds, temperature=temperature))
    if seen.failed:
        raise RuntimeError(f"{seen.failed} of {seen.answers} calls failed at port {port}")
    return seen.latencies


def summary(turns: Sequence[Turn]) -> Figures:
    """Medians over the rounds."""

    def middle(values: Sequence[float]) -> float:
        return quantile(values, 0.5)

    return Figures(
        sum(one.answers for one in turns),
        middle([one.per_second for one in turns]),
        1e6 / middle([one.cpu_us for one in turns]),
        middle([one.busy for one in turns]),
        [latency for one in turns for latency in one.alone],
        max(one.memory_mb for one in turns),
    )


def table(figures: dict[str, Figures], about: dict[str, str], direct: Sequence[float], rounds: int) -> dict[str, Claim]:
    """A line for each proxy, without a bar."""
    claims = {}
    for name, one in figures.items():
        added = [(quantile(one.alone, q) - quantile(direct, q)) * 1000 for q in (0.5, 0.99)]
        how = (
            f"{1e6 / one.per_core:,.0f} µs of CPU a call; {one.per_second:,.0f}/s in a closed loop of {CONNECTIONS} "
            f"({one.busy:.0%} of its core); one call at a time: p50 +{added[0]:.3f} ms, p99 +{added[1]:.3f} ms over direct; "
            f"{one.memory_mb:.0f} MB; {about[name]}; median of {rounds} rounds in turn"
        )
        claims[f"Completions for a second of a core, {name}"] = claim(one.per_core, "/s", "", one.answers, how)
    return claims


def ratios(figures: dict[str, Figures]) -> dict[str, Claim]:
    """Ours over theirs."""
    claims = {}
    for ours, theirs, bar in (*BARS, *((ours, theirs, "") for ours, theirs in STATED)):
        mine, other = figures[ours], figures[theirs]
        loop = f"{mine.per_second:,.0f}/s over {other.per_second:,.0f}/s in the closed loop"
        how = f"{mine.per_core:,.0f} over {other.per_core:,.0f} completions for a second of a core; {loop}"
        claims[f"{ours}, over {theirs}"] = claim(mine.per_core / other.per_core, "×", bar, min(mine.answers, other.answers), how)
    return claims
