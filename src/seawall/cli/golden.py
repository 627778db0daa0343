"""`seawall golden`: how well an app's questions are understood, and the confidence that is fitted on them.

`score` puts golden questions to the tiers and tells right, wrong and refused with intervals; `fit` decides from the development
questions at which confidence each tier is believed and writes `golden/confidence.json`, which is part of the bundle.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from seawall.app.load import load_bundle
from seawall.app.model import Bundle
from seawall.ask.calibration import Calibration, cross_validated, expected_error, reliability
from seawall.ask.cascade import Cascade, Confidence
from seawall.ask.golden import Golden, read
from seawall.ask.opening import CONFIDENCE_FILE, EXAMPLES_FILE
from seawall.ask.scoring import Attempt, Score, score
from seawall.ask.trial import NEVER, Tried, by_tier, fitted, small_samples, tried
from seawall.cli.ask import opened, token_of
from seawall.cli.golden_candidates import candidates
from seawall.core.errors import InvalidInput

FIT_FILE = "fit.jsonl"
PATIENCE = 20.0
"""Seconds a model is given while confidence in it is fitted."""
EVERY = Confidence(NEVER.small, Calibration({}, 0.0, 0.0))
"""The parser is never believed and a model always, to see what it writes."""
DATA = click.option(
    "--data", type=click.Path(path_type=Path), default=Path(".seawall"), show_default=True, help="An instance's data directory."
)


class Scored(msgspec.Struct, frozen=True):
    """What `score --json` prints."""

    score: Score
    tiers: dict[str, int]
    tokens_in: int
    tokens_out: int
    ms_p50: float
    ms_p95: float


@click.group()
def golden() -> None:
    """Tell how well an app's questions are understood."""


golden.add_command(candidates)


@golden.command("score")
@click.argument("app", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--file", "name", default="dev.jsonl", show_default=True, help="Which file of golden/.")
@click.option("--small", is_flag=True, help="No large model.")
@click.option("--misses", is_flag=True, help="List what was not right.")
@click.option("--json", "as_json", is_flag=True)
@DATA
def score_(app: Path, name: str, small: bool, misses: bool, as_json: bool, data: Path) -> None:
    """Ask every golden question of a file."""
    bundle = load_bundle(app)
    ran = asyncio.run(_ran(bundle, app, _goldens(app, name), data, large=not small, quiet=as_json))
    attempts = [one.attempt() for one in ran]
    times = sorted(one.ms for one in ran) or [0.0]
    made = Scored(
        score(attempts),
        dict(by_tier(attempts)),
        sum(one.outcome.tokens_in for one in ran),
        sum(one.outcome.tokens_out for one in ran),
        times[len(times) // 2],
        times[min(len(times) - 1, int(len(times) * 0.95))],
    )
    if as_json:
        click.echo(msgspec.json.encode(made))
        return
    _print(made)
    if misses:
        _list(attempts)


@golden.command("fit")
@click.argument("app", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--small", is_flag=True, help="Fit the parser's confidence alone; the large tier's stays as it is.")
@DATA
def fit_(app: Path, small: bool, data: Path) -> None:
    """Fit confidence on golden/fit.jsonl (without one, dev.jsonl) and write golden/confidence.json.

    Questions that a parser was made with tell nothing of how sure it may be: keep those it is fitted on apart.
    """
    bundle = load_bundle(app)
    goldens = _goldens(app, FIT_FILE if (app / "golden" / FIT_FILE).is_file() else Path(EXAMPLES_FILE).name)
    parsed = asyncio.run(_ran(bundle, app, goldens, data, large=False, confidence=NEVER))
    drafted = [] if small else asyncio.run(_ran(bundle, app, goldens, data, large=True, confidence=EVERY))
    made = fitted(parsed, drafted)
    if small and (app / CONFIDENCE_FILE).is_file():
        made = msgspec.structs.replace(made, large=msgspec.json.decode((app / CONFIDENCE_FILE).read_bytes(), type=Confidence).large)
    (app / CONFIDENCE_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(made, order="sorted"), indent=1) + b"\n")
    predicted = cross_validated(small_samples(parsed))
    click.echo(f"{CONFIDENCE_FILE}: the parser is believed from {made.small.accept:.2f} on", err=True)
    for one in reliability(predicted):
        click.echo(f"  predicted {one.predicted:5.0%}  right {one.right:5.0%}  {'█' * max(1, one.count // 2)} {one.count}", err=True)
    click.echo(f"  expected calibration error {expected_error(reliability(predicted)):.1%}, on questions the fit had not seen", err=True)
    believed = f"is believed from {made.large.accept:.2f} on" if made.large else "counts where the parser agrees"
    click.echo(f"  the large tier {believed}", err=True)


async def _ran(
    bundle: Bundle,
    folder: Path,
    goldens: list[Golden],
    data: Path,
    *,
    large: bool,
    confidence: Confidence | None = None,
    quiet: bool = False,
) -> list[Tried]:
    ran = []
    async with opened(bundle, folder, data, large=large) as (cascade, _):
        asked: Cascade = cascade if confidence is None else cascade.believing(confidence, large_seconds=PATIENCE)
        with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
            asking = bar.add_task("Asking", total=len(goldens))
            async for one in tried(asked, bundle.app, goldens, partial(token_of, data)):
                ran.append(one)
                bar.advance(asking)
    return ran


def _goldens(app: Path, name: str) -> list[Golden]:
    path = app / "golden" / Path(name).name
    if not path.is_file():
        raise InvalidInput("The app has no such golden file", expected=f"a file of {app.name}/golden", got=name)
    return list(read(path))


def _print(made: Scored) -> None:
    overall = made.score.overall
    click.echo(f"right    {overall.right}\nwrong    {overall.wrong}\nrefused  {overall.refused}")
    tiers = ", ".join(f"{name or 'nobody'} {count}" for name, count in made.tiers.items())
    click.echo(f"answered by: {tiers}; {made.tokens_in + made.tokens_out} tokens; p50 {made.ms_p50:.1f} ms, p95 {made.ms_p95:.1f} ms")
    for tag, tally in made.score.by_tag.items():
        click.echo(f"  {tag:<16} right {tally.right.count:>3}  wrong {tally.wrong.count:>3}  refused {tally.refused.count:>3}")


def _list(attempts: list[Attempt]) -> None:
    for one in attempts:
        if one.outcome != "right":
            meant = one.question.canonical().decode() if one.question else one.refusal
            click.echo(f"{one.outcome:<8} {one.golden.id} {one.golden.question[:90]!r}\n         {meant}")
