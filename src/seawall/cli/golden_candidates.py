"""`seawall golden candidates`: what people thought of answers, to be looked at and made into golden questions.

A candidate that was found right, or mended until it was, is printed as a line of a golden file with `--jsonl`; who reads it decides.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl

import click
import msgspec

from seawall.app.load import load_bundle
from seawall.app.model import App
from seawall.ask.golden import Golden
from seawall.ask.params import from_params
from seawall.ask.question import Question
from seawall.cli.operational import operational
from seawall.cli.options import APP
from seawall.core.errors import SeawallError
from seawall.query.policy import unrestricted
from seawall.store.embedded_postgres import OWNER

SHOWN_MAX = 1_000


class Candidate(msgspec.Struct, frozen=True):
    """One verdict, as `--json` prints it."""

    id: int
    day: date
    verdict: str
    question: str
    locale: str
    understood: str
    """The question it was understood as, as parameters; empty for a refusal."""
    refusal: str
    before: str
    tier: str
    """Who understood it; `edited`: its parts were changed after that, to mean the text or to mean something else."""
    comment: str
    bundle: str


@click.command("candidates")
@APP
@click.option("--data", type=click.Path(path_type=Path), default=Path(".seawall"), show_default=True, help="An instance's data directory.")
@click.option("--limit", type=click.IntRange(1, SHOWN_MAX), default=100, show_default=True, help="How many, the newest first.")
@click.option("--jsonl", is_flag=True, help="Print those found right as lines of a golden file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.option("--forget", type=int, default=None, metavar="ID", help="Drop candidates up to this one: they were looked at.")
def candidates(app: Path, data: Path, limit: int, jsonl: bool, as_json: bool, forget: int | None) -> None:
    """List what people thought of answers, the newest first."""
    bundle = load_bundle(app)
    found = asyncio.run(_found(bundle.app.name, data, limit, forget))
    if as_json:
        click.echo(msgspec.json.encode(found))
    elif jsonl:
        for line in (golden_of(bundle.app, one) for one in found):
            if line is not None:
                click.echo(msgspec.json.encode(line))
    else:
        for one in found:
            meant = one.understood or f"refused: {one.refusal}"
            click.echo(f"{one.id:>6}  {one.day}  {one.verdict:<4}  {one.question!r}\n        {meant}")
            if one.comment:
                click.echo(f"        “{one.comment}”")


def golden_of(app: App, one: Candidate) -> Golden | None:
    """A candidate found right as a golden question; None for one that was not, or names what the app no longer has."""
    if one.verdict != "up" or not one.understood or one.before or not one.question:
        return None
    question = _question(app, one.understood)
    name = hashlib.sha256(f"{one.locale} {one.question}".encode()).hexdigest()[:8]
    return Golden(f"u-{name}", one.question, locale=one.locale, expect=question) if question is not None else None


def _question(app: App, params: str) -> Question | None:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(params):
        values.setdefault(name, []).append(value)
    try:
        return from_params(app, unrestricted(app), values)
    except SeawallError:
        return None


async def _found(app: str, data: Path, limit: int, forget: int | None) -> list[Candidate]:
    async with operational(data, OWNER) as database:
        if forget is not None:
            await database.execute("forget_candidates", app=app, up_to=forget)
        return [msgspec.convert(row, Candidate) for row in await database.fetch_all("golden_candidates", app=app, limit=limit)]
