"""`seawall golden`: how well an app's questions are understood, and the confidence that is fitted on them.

`score` puts golden questions to the tiers and tells right, wrong and refused with intervals; `fit` decides from questions kept for it
at which confidence each tier is believed and writes `golden/confidence.json`, which is part of the bundle. Where no instance runs, words
are matched by meaning in this process, and no large model is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from seawall.app.load import load_bundle
from seawall.app.model import Bundle
from seawall.ask.calibration import Calibration, cross_validated, quality
from seawall.ask.cascade import Cascade, Confidence
from seawall.ask.golden import Golden, read
from seawall.ask.opening import CONFIDENCE_FILE, EXAMPLES_FILE
from seawall.ask.scoring import Attempt, Score, score, tally
from seawall.ask.trial import NEVER, Tried, by_tier, large_fitted, large_samples, small_fitted, small_samples, tried, unseen, unsure, ways
from seawall.cli.ask import token_of
from seawall.cli.golden_candidates import candidates
from seawall.cli.golden_tiers import opened
from seawall.core.errors import InvalidInput

FIT_FILE = "fit.jsonl"
LARGE_MOST = 150
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
    large: dict[str, int]
    """Of the questions that reached the large tier: the ways they went through it, and how often."""
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
@click.option("--large", "alone", is_flag=True, help="The large model alone: the parser is never believed, the model always.")
@click.option("--most", type=click.IntRange(min=1), help="Ask so many questions at most, spread over the file.")
@click.option("--misses", is_flag=True, help="List what was not right.")
@click.option("--json", "as_json", is_flag=True)
@DATA
def score_(app: Path, name: str, small: bool, alone: bool, most: int | None, misses: bool, as_json: bool, data: Path) -> None:
    """Ask every golden question of a file."""
    bundle, goldens = load_bundle(app), _goldens(app, name)
    chosen = _spread(goldens, most or len(goldens))
    believed = EVERY if alone else None
    ran = asyncio.run(_ran(bundle, app, chosen, data, known=goldens, large=not small, confidence=believed, quiet=as_json))
    attempts = [one.attempt() for one in ran]
    times = sorted(one.ms for one in ran) or [0.0]
    made = Scored(
        score(attempts),
        dict(by_tier(attempts)),
        dict(ways(ran)),
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
@click.option("--most", type=click.IntRange(min=1), default=LARGE_MOST, show_default=True, help="Questions for the large model at most.")
@DATA
def fit_(app: Path, small: bool, most: int, data: Path) -> None:
    """Fit confidence on golden/fit.jsonl (without one, dev.jsonl) and write golden/confidence.json.

    Questions that a parser was made with tell nothing of how sure it may be: keep those it is fitted on apart. The large model is asked
    those that the parser would not be believed on, and needs a running instance.
    """
    bundle = load_bundle(app)
    goldens = _goldens(app, FIT_FILE if (app / "golden" / FIT_FILE).is_file() else Path(EXAMPLES_FILE).name)
    parsed = asyncio.run(_ran(bundle, app, goldens, data, large=False, confidence=NEVER))
    first = small_fitted(parsed)
    _tell_small(parsed, first)
    if small:
        made = Confidence(first, _kept_large(app))
    else:
        asked = _spread(unsure(parsed, first), most)
        drafted = asyncio.run(_ran(bundle, app, asked, data, known=goldens, large=True, confidence=EVERY))
        made = Confidence(first, large_fitted(drafted))
        _tell_large(drafted, made.large)
    (app / CONFIDENCE_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(made, order="sorted"), indent=1) + b"\n")


def _kept_large(app: Path) -> Calibration | None:
    path = app / CONFIDENCE_FILE
    return msgspec.json.decode(path.read_bytes(), type=Confidence).large if path.is_file() else None


def _tell_small(ran: Sequence[Tried], made: Calibration) -> None:
    """On standard error: the threshold, and how true confidences came on questions their fit had not seen."""
    found = quality(cross_validated(small_samples(ran)))
    click.echo(f"{CONFIDENCE_FILE}: the parser is believed from {made.accept:.2f} on", err=True)
    for one in found.bins:
        bar = "█" * max(1, one.count // 2)
        click.echo(f"  predicted {one.predicted:5.0%}  right {one.right:5.0%}  {bar} {one.count}", err=True)
    click.echo("On questions the fit had not seen:", err=True)
    click.echo(f"  calibration error {found.error:.1%}, AUC {found.auc:.2f}, Brier score {found.brier:.3f}", err=True)
    overall = tally(unseen(ran, made.accept))
    click.echo(f"  right    {overall.right}\n  wrong    {overall.wrong}\n  refused  {overall.refused}", err=True)


def _tell_large(ran: Sequence[Tried], made: Calibration | None) -> None:
    """What the large tier did with the questions it was asked."""
    believed = f"is believed from {made.accept:.2f} on" if made else "counts where the parser agrees"
    click.echo(f"Of {len(ran)} questions the large tier answered {len(large_samples(ran))}; it {believed}", err=True)
    for way, count in ways(ran).items():
        click.echo(f"  {count:>4}  {way}", err=True)


async def _ran(
    bundle: Bundle,
    folder: Path,
    goldens: Sequence[Golden],
    data: Path,
    *,
    known: Sequence[Golden] = (),
    large: bool,
    confidence: Confidence | None = None,
    quiet: bool = False,
) -> list[Tried]:
    """`known`: questions that follow-ups among `goldens` may refer to."""
    ran, chosen = [], {one.id for one in goldens}
    others = [one for one in known if one.id not in chosen]
    async with opened(bundle, folder, data, large=large) as (cascade, _):
        asked: Cascade = cascade if confidence is None else cascade.believing(confidence, large_seconds=PATIENCE)
        with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
            asking = bar.add_task("Asking", total=len(goldens))
            async for one in tried(asked, bundle.app, goldens, partial(token_of, data), known=others):
                ran.append(one)
                bar.advance(asking)
    return ran


def _spread(goldens: Sequence[Golden], most: int) -> list[Golden]:
    """So many of them, evenly over the file."""
    step = max(1.0, len(goldens) / most)
    return [goldens[int(place * step)] for place in range(min(most, len(goldens)))]


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
    for way, count in made.large.items():
        click.echo(f"  {count:>4}  {way}")
    for tag, told in made.score.by_tag.items():
        click.echo(f"  {tag:<16} right {told.right.count:>3}  wrong {told.wrong.count:>3}  refused {told.refused.count:>3}")


def _list(attempts: list[Attempt]) -> None:
    for one in attempts:
        if one.outcome != "right":
            meant = one.question.canonical().decode() if one.question else one.refusal
            click.echo(f"{one.outcome:<8} {one.golden.id} {one.golden.question[:90]!r}\n         {meant}")
