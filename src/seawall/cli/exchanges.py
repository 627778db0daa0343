"""`seawall exchanges`: the model calls an instance has recorded. One tenant's at a time, by whoever owns the instance's data directory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click
import msgspec

from seawall.app.durations import parse_duration
from seawall.cli.options import DATA, JSON
from seawall.cli.terminal import printable
from seawall.core.errors import ConfigurationError, InvalidInput, NotFound
from seawall.model_proxy.exchanges.archive import Archive, Wanted
from seawall.model_proxy.exchanges.format import Exchange, encode
from seawall.model_proxy.exchanges.keys import FILE, FileKeys
from seawall.model_proxy.exchanges.kms import VARIABLE, load_kms
from seawall.model_proxy.exchanges.recorder import FOLDER

FILTERS = (
    click.option("--tenant", default="default", show_default=True, help="Whose calls."),
    click.option("--app", default="", help="Of this app; `*` stands for anything, here and below."),
    click.option("--prompt", default="", help="Of this prompt."),
    click.option("--model", default="", help="That asked for this model or route, or were answered by this model."),
    click.option("--error", default="", help="That ended with this slug; `*`: with any error."),
    click.option("--lane", default="", help="Of this lane: eval."),
    click.option("--since", default="", metavar="WHEN", help="Not before: 2026-01-08T12:00, or 1h for an hour ago."),
    click.option("--until", default="", metavar="WHEN", help="Before."),
    DATA,
)


class Asked(msgspec.Struct, frozen=True):
    """Whose exchanges, which of them, and where they are."""

    tenant: str
    wanted: Wanted
    data: Path

    def read(self) -> Iterator[Exchange]:
        """They. NotFound when nothing was ever recorded here."""
        return archive(self.data).read(self.tenant, self.wanted)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that choose exchanges; the command gets them as `asked`."""

    def run(
        tenant: str, app: str, prompt: str, model: str, error: str, lane: str, since: str, until: str, data: Path, **rest: object
    ) -> None:
        now = time.time()
        first, last = moment(since, now) if since else 0.0, moment(until, now) if until else float("inf")
        command(asked=Asked(tenant, Wanted(app, prompt, model, error, lane, first, last), data), **rest)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__dict__.update(command.__dict__)
    for option in reversed(FILTERS):
        option(run)
    return run


def archive(data: Path) -> Archive:
    """What an instance has recorded. ConfigurationError when there is nothing."""
    keys = data / "keys" / FILE
    if not keys.exists():
        raise ConfigurationError(f"No model call was ever recorded in {data}", fix="Name the instance's data directory with --data")
    return Archive(data / FOLDER, FileKeys(keys, load_kms(os.environ.get(VARIABLE, ""))))


def moment(text: str, now: float) -> float:
    """`1h` (ago) or an ISO 8601 time (of UTC unless it says otherwise) as seconds since 1970."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return now - parse_duration(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@click.group()
def exchanges() -> None:
    """Recorded model calls: list, show, export, replay."""


@exchanges.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@filtered
def list_exchanges(asked: Asked, limit: int, as_json: bool) -> None:
    """List recorded calls, the oldest first."""
    found = newest(asked.read(), limit)
    if as_json:
        for one in found:
            click.echo(encode(one))
        return
    click.echo(f"{'TIME (UTC)':<20} {'ID':<16} {'MODEL':<16} {'PROMPT':<18} {'TOKENS':>11} {'MS':>7}  HOW")
    for one in found:
        click.echo(_line(one))


@exchanges.command()
@click.argument("id")
@click.option("--tenant", default="default", show_default=True, help="Whose call.")
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print it as one line.")
def show(id: str, tenant: str, data: Path, as_json: bool) -> None:
    """Show one call, by its id or how that begins."""
    found = archive(data).find(tenant, id)
    if found is None:
        raise NotFound(f"There is no exchange {id[:40]} of the tenant {tenant}", fix="List them with `seawall exchanges list`")
    line = encode(found)
    click.echo(line if as_json else printable(msgspec.json.format(line, indent=2).decode()))


@exchanges.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "form", type=click.Choice(["jsonl", "parquet"]), default=None, help="[default: by the file's name]")
@filtered
def export(asked: Asked, file: Path, form: str | None) -> None:
    """Write recorded calls to a file, as JSON Lines or Parquet; `-` is standard output."""
    from seawall.cli.exchanges_export import export_to

    form = form or ("parquet" if file.suffix == ".parquet" else "jsonl")
    if form == "parquet" and str(file) == "-":
        raise InvalidInput("Parquet cannot be written to standard output", fix="Name a file")
    count = export_to(file, form, asked.read())
    click.echo(f"{count} exchanges", err=True)


@exchanges.command()
@click.option("--from", "source", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A file of exchanges (JSON Lines).")
@click.option("--cassette", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Ask this cassette, and no model.")
@click.option("--url", default="", help="The proxy to ask.  [default: the running instance's]")
@click.option("--key-env", default="", metavar="NAME", help="The variable with a key for that proxy.  [default: a token of the instance]")
@click.option("--snapshot", type=click.Choice(["record", "replay", "require"]), default=None, help="Ask in the evaluation lane.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="The newest so many.")
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Calls at once.")
@JSON
@filtered
def replay(
    asked: Asked,
    source: Path | None,
    cassette: Path | None,
    url: str,
    key_env: str,
    snapshot: str | None,
    limit: int,
    jobs: int,
    as_json: bool,
) -> None:
    """Ask recorded chats and prompts again, and compare the answers. They are asked as they were recorded, that is redacted.

    Calls whose record holds no answer (those that failed, or were answered from the cache) are passed over.

    Exit status 1 when an answer differs or none came.
    """
    from seawall.cli.exchanges_replay import Ask, ask_cassette, ask_proxy, report, run
    from seawall.model_proxy.exchanges.format import decode_lines

    found = decode_lines(source.read_bytes()) if source else asked.read()
    chosen = newest((one for one in found if one.surface != "embeddings" and one.request and one.response), limit)
    ask: Ask = ask_cassette(cassette, asked.data, asked.tenant) if cassette else ask_proxy(asked.data, asked.tenant, url, key_env, snapshot)
    rows = run(chosen, ask, jobs, quiet=as_json)
    report(rows, as_json=as_json)
    if any(not row.same for row in rows):
        raise click.exceptions.Exit(1)


@exchanges.command()
@DATA
def rotate(data: Path) -> None:
    """Add a key that seals from the next segment on; what older keys sealed still opens."""
    archive(data)
    FileKeys(data / "keys" / FILE, load_kms(os.environ.get(VARIABLE, ""))).rotate()
    click.echo("A new key seals from the next segment on.")


def newest(found: Iterator[Exchange], limit: int) -> list[Exchange]:
    """The last `limit` by time, oldest first, without holding all of them."""
    kept: list[Exchange] = []
    while batch := list(islice(found, 2 * limit)):
        kept = sorted([*kept, *batch], key=lambda one: one.at)[-limit:]
    return kept


def _line(one: Exchange) -> str:
    at = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    how = one.error or ("" if one.cache == "model" else one.cache) or ",".join(one.finish)
    prompt = f"{one.app}/{one.prompt}" if one.prompt else one.app
    tokens = f"{one.usage.input}+{one.usage.output}{'~' if one.usage.estimated else ''}"
    model = printable((one.target or one.model)[:16]).replace("\n", " ")
    how = printable(how[:60]).replace("\n", " ")
    return f"{at:<20} {one.id:<16} {model:<16} {printable(prompt[:18]):<18} {tokens:>11} {one.took_ms:>7.0f}  {how}"
