"""`seawall drill`: take something away from a running instance, under load, and see whether it keeps its promises.

Only an instance of this machine, whose data directory you own, can be drilled. What was taken away is given back however the drill ends.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from seawall.app.durations import parse_duration
from seawall.cli.instance import Instance, InstanceRecord, NotRunning, ServiceRecord, reach
from seawall.cli.options import DATA, JSON
from seawall.cli.supervisor_hold import HOLD_S_MAX, let_go, take
from seawall.cli.supervisor_process import is_alive
from seawall.core.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from seawall.lab.drills import Outage, Report

UNIT = "vectors"
LABEL = "vectors-0"
BACK_S_MAX = 60.0
BAR_CHARACTERS = 28
DRILL_S_MAX = 2 * 3600.0


@click.group()
def drill() -> None:
    """Take something away from a running instance and see whether it keeps its promises."""


@drill.command("vector-store")
@click.option("--for", "duration", default="5m", show_default=True, help="How long: at least 10s.")
@click.option("--rate", default=50.0, show_default=True, help="Page views a second.")
@click.option("--seed", type=int, default=None, help="Chooses the moment and the pages.  [default: another each time]")
@DATA
@JSON
def vector_store(duration: str, rate: float, seed: int | None, data: Path, as_json: bool) -> None:
    """Stop the vector store at a random moment under page views, and start it again.

    Passes when no view fails, every panel that needs the store says that it is worse while it is away, and all is as usual afterwards. Exit
    status: 0 it passed; 1 it did not; 2 used wrongly; 3 no instance runs.
    """
    seconds = parse_duration(duration)
    instance = reach(data, os.environ)
    record = instance.read()
    if record is None or not record.running:
        raise NotRunning(f"No instance with the data directory {instance.data} is running", fix="Start one with `seawall up`")
    if seconds > DRILL_S_MAX:
        raise InvalidInput("A drill is not that long", expected=f"at most {DRILL_S_MAX / 3600:g}h", got=duration)
    _store(record)
    report = asyncio.run(_drill(instance, record, seconds, rate, random.Random(seed), _bar(seconds, quiet=as_json)))  # noqa: S311
    click.echo(msgspec.json.encode(report).decode() if as_json else describe(report))
    sys.exit(0 if report.passed else 1)


async def _drill(
    instance: Instance, record: InstanceRecord, seconds: float, rate: float, source: random.Random, told: Callable[[float, int], None]
) -> Report:
    from seawall.app.load import load_bundle
    from seawall.core.principal import Principal
    from seawall.lab.drill_load import check_loopback, client_of, run, views_of
    from seawall.lab.drills import Outage, choose_outage, judge
    from seawall.trust import keys
    from seawall.trust.tokens import Tokens

    app = load_bundle(Path(record.apps[0]), instance.data / "bundles").app
    principal = Principal(user="seawall-drill", roles=tuple(app.roles))
    token = Tokens(keys.load(instance.data / "keys")).mint(principal, min(24 * 3600.0, seconds + 600.0))
    planned = choose_outage(seconds, source)
    async with client_of(check_loopback(record.url), token) as client:
        views = await views_of(client, app)
        began = asyncio.get_running_loop().time()
        taking = asyncio.create_task(_take_away(instance, planned, began))
        try:
            seen = await run(client, lambda: views.choose(source), rate=rate, seconds=seconds, told=told)
            stopped, released, back = await taking
        finally:
            taking.cancel()
            let_go(instance, LABEL)
    return judge(seen, Outage(stopped, released), seconds, back)


async def _take_away(instance: Instance, planned: Outage, zero: float) -> tuple[float, float, float | None]:
    """Stop the store, let it lie, give it back; when, in seconds since `zero`, and how long it took to be ready again."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, planned.stopped - (loop.time() - zero)))
    away = planned.released - planned.stopped
    take(instance, LABEL, "a drill has taken it away", min(HOLD_S_MAX, away + 30.0))
    before = _store(instance.read())
    os.kill(before.pid, signal.SIGKILL)
    stopped = loop.time() - zero
    await asyncio.sleep(min(away, HOLD_S_MAX - 30.0))
    let_go(instance, LABEL)
    released = loop.time() - zero
    until = time.monotonic() + BACK_S_MAX
    while time.monotonic() < until:
        store = _store(instance.read(), running=False)
        if store.state == "ready" and store.pid != before.pid:
            return stopped, released, loop.time() - zero - released
        await asyncio.sleep(0.05)
    return stopped, released, None


def _store(record: InstanceRecord | None, *, running: bool = True) -> ServiceRecord:
    """The instance's own vector store. ConfigurationError when there is none that runs."""
    found = next((service for service in record.services if service.name == UNIT), None) if record else None
    if found is None:
        raise ConfigurationError("This instance has no vector store of its own", fix="Drill one that was started without VECTOR_URL")
    if running and not (found.state == "ready" and is_alive(found.pid, found.started_ticks)):
        raise ConfigurationError("The vector store is not ready", got=found.state, fix="Wait until `seawall status` says so")
    return found


def _bar(seconds: float, *, quiet: bool) -> Callable[[float, int], None]:
    """A bar on a terminal; elsewhere nothing."""
    if quiet or not sys.stderr.isatty():
        return lambda now, views: None

    def draw(now: float, views: int) -> None:
        done = min(1.0, now / seconds)
        filled = int(done * BAR_CHARACTERS)
        sys.stderr.write(f"\r\x1b[K  {'━' * filled}{'╌' * (BAR_CHARACTERS - filled)} {done:4.0%}  {views:,} views")
        sys.stderr.flush()

    return draw


def describe(report: Report) -> str:
    """The report in words."""
    lines = [
        f"{'passed' if report.passed else 'FAILED'}: {report.views:,} page views at {report.rate:g}/s, "
        f"{report.failed} with an error, {report.unanswered} without an answer",
        f"  store away from {report.stopped_at_s:.1f} s for {report.away_s:.1f} s; 95 % of views within {report.p95_before_ms:.0f} ms "
        f"before, {report.p95_away_ms:.0f} ms then",
        f"  panels then: {report.by_words} found by words, {report.earlier} earlier answers with their age, {report.sentences} a sentence, "
        f"{report.silent} said nothing",
    ]
    back = "not ready again" if report.store_back_s is None else f"ready {report.store_back_s:.1f} s after its release"
    usual = "never as usual again" if report.recovered_s is None else f"as usual again after {report.recovered_s:.1f} s"
    return "\n".join([*lines, f"  store {back}; panels {usual}"])
