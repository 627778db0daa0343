"""`seawall publish` and `seawall generation`: give an app data of your own, and see which data it serves.

Publishing copies CSV or Parquet files into a new immutable generation and makes it current. A running instance follows
within a second; readers keep the generation they began with. Tables that are not named stay as they were.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import click
import duckdb
import msgspec

from seawall.app.load import load_bundle
from seawall.app.model import App
from seawall.cli.operational import operational, store_url
from seawall.cli.options import APP, DATA, JSON
from seawall.core.errors import InvalidInput
from seawall.query.generations import Generation, Generations, NoGeneration, TableFiles, new_generation

READERS = {
    ".parquet": "read_parquet({})",
    ".csv": """read_csv({}, header = true, skip = 0, delim = ',', quote = '"', escape = '"', comment = '')""",
}
"""CSV is that of RFC 4180. Left to guess, DuckDB takes lines it does not understand for a preamble and drops them silently."""
ROW_GROUP_ROWS = 122_880


class UnknownTable(InvalidInput):
    """The app reads no table of this name."""

    slug = "unknown-table"


class UnreadableFile(InvalidInput):
    """The file is not one DuckDB can read as CSV or Parquet."""

    slug = "unreadable-file"


class UnfitTable(InvalidInput):
    """The table lacks what the app reads from it, so nothing was published."""

    slug = "unfit-table"


@click.command()
@APP
@click.option("--table", "tables", multiple=True, required=True, metavar="NAME=FILE", help="A table the app reads; may be repeated.")
@click.option(
    "--as-of",
    default=None,
    metavar="DATE",
    help="The data's date: days before it are complete. [default: the latest day in the app's time fields]",
)
@DATA
@JSON
def publish(app: Path, tables: Sequence[str], as_of: str | None, data: Path, as_json: bool) -> None:
    """Make CSV or Parquet files the current data of an app."""
    bundle = load_bundle(app)
    given = parse_tables(tables, warehouse_tables(bundle.app))
    asyncio.run(_publish(bundle.app, given, _day(as_of), data, as_json=as_json))


@click.command()
@APP
@DATA
@JSON
def generation(app: Path, data: Path, as_json: bool) -> None:
    """Tell which data an app serves."""
    generations = Generations(data / "warehouse")
    current = generations.current(load_bundle(app).app.name)
    _print(current, generations, as_json=as_json)


def parse_tables(texts: Sequence[str], known: set[str]) -> dict[str, Path]:
    """`["sales=a.csv"]` as {"sales": Path("a.csv")}. InvalidInput names what is wrong with a text."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        path = Path(file)
        if not (name and equals and file):
            raise InvalidInput("A table is not as it should be", expected="NAME=FILE", got=repr(text[:80]))
        if name not in known:
            raise UnknownTable(expected=f"one of {', '.join(sorted(known))}", got=repr(name))
        if path.suffix not in READERS or not path.is_file():
            raise UnreadableFile(expected="an existing .csv or .parquet file", got=file)
        found[name] = path
    return found


async def _publish(app: App, given: Mapping[str, Path], as_of: date | None, data: Path, *, as_json: bool) -> None:
    async with _generations(data) as generations:
        folder = generations.files_dir(app.name)
        made = {name: await asyncio.to_thread(_copy, path, folder, name) for name, path in given.items()}
        tables = {**_current_tables(generations, app.name), **made}
        paths = {name: [folder / file for file in table.files] for name, table in tables.items()}
        await asyncio.to_thread(check_columns, app, {name: paths[name] for name in made})
        day = as_of if as_of is not None else await asyncio.to_thread(_latest, app, paths)
        published = new_generation(app.name, day, tables)
        await generations.publish(published)
        _print(published, generations, as_json=as_json)
        missing = warehouse_tables(app) - set(tables)
    if missing:
        click.echo(f"Still without data: {', '.join(sorted(missing))}. Panels that read it cannot answer.", err=True)


def warehouse_tables(app: App) -> set[str]:
    """The tables `app` reads from generations."""
    return {dataset.source for dataset in app.semantics.datasets.values() if dataset.engine == "warehouse"}


def _copy(path: Path, folder: Path, table: str) -> TableFiles:
    staged = folder / f".{table}.{os.getpid()}.parquet"
    with duckdb.connect() as connection:
        try:
            source = READERS[path.suffix].format(_literal(path))
            connection.execute(f"COPY (SELECT * FROM {source}) TO {_literal(staged)} (FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP_ROWS})")
            counted = connection.execute(f"SELECT count(*) FROM read_parquet({_literal(staged)})").fetchone()
        except duckdb.Error as error:
            staged.unlink(missing_ok=True)
            _raise_if_full(error, folder)
            told = " ".join(str(error).splitlines()[:2])
            raise UnreadableFile(
                expected="Parquet, or CSV with a header line, commas, double quotes and one kind of line ending", got=f"{path}: {told}"
            ) from error
    body = staged.read_bytes()
    target = folder / f"{table}-{hashlib.sha256(body).hexdigest()[:16]}.parquet"
    staged.replace(target)
    return TableFiles((target.name,), int(counted[0]) if counted else 0, len(body))


def _raise_if_full(error: duckdb.Error, folder: Path) -> None:
    """OSError when there was no room to write, which says nothing about the file that was read."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        if os.strerror(number) in str(error):
            raise OSError(number, os.strerror(number), str(folder)) from error


def check_columns(app: App, paths: Mapping[str, Sequence[Path]]) -> None:
    """Raise UnfitTable unless every field of the app can be read from the tables in `paths`."""
    with duckdb.connect() as connection:
        for dataset in app.semantics.datasets.values():
            if dataset.engine != "warehouse" or dataset.source not in paths:
                continue
            table = f"read_parquet([{', '.join(_literal(path) for path in paths[dataset.source])}])"
            for field in dataset.fields.values():
                try:
                    connection.execute(f"SELECT {field.expression} FROM {table} LIMIT 0")
                except duckdb.Error as error:
                    found = ", ".join(str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall())
                    raise UnfitTable(
                        expected=f"`{field.expression}` in the table {dataset.source}, for the field {field.ref}",
                        got=f"the columns {found[:500]}: {str(error).splitlines()[0]}",
                    ) from error


def _latest(app: App, paths: Mapping[str, Sequence[Path]]) -> date:
    """The latest day in any dataset's time field, in UTC; today when there is none."""
    days: list[date] = []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")  # as pages read it
        for dataset in app.semantics.datasets.values():
            if dataset.time and dataset.source in paths:
                files = ", ".join(_literal(path) for path in paths[dataset.source])
                expression = dataset.fields[dataset.time].expression
                row = connection.execute(f"SELECT CAST(max({expression}) AS DATE) FROM read_parquet([{files}])").fetchone()
                if row and isinstance(row[0], date):
                    days.append(row[0])
    return max(days, default=datetime.now(UTC).date())


def _current_tables(generations: Generations, app: str) -> dict[str, TableFiles]:
    try:
        return generations.current(app).tables
    except NoGeneration:
        return {}


@asynccontextmanager
async def _generations(data: Path) -> AsyncIterator[Generations]:
    """The warehouse of an instance: through its Postgres when it runs, on its disk before its first start."""
    if not store_url(data, "seawall_workers"):
        yield Generations(data / "warehouse")
        return
    async with operational(data, "seawall_workers") as database:
        generations = Generations(data / "warehouse", database)
        await generations.refresh()
        yield generations


def _print(one: Generation, generations: Generations, *, as_json: bool) -> None:
    paths = generations.locate(one.id)
    if as_json:
        tables = {
            name: {"rows": table.rows, "bytes": table.bytes, "paths": [str(p) for p in paths[name]]} for name, table in one.tables.items()
        }
        click.echo(msgspec.json.encode({"id": one.id, "app": one.app, "as_of": one.as_of, "tables": tables}).decode())
        return
    click.echo(f"{one.app} serves {one.id}, data up to {one.as_of}")
    for name, table in sorted(one.tables.items()):
        size = f"{table.bytes / 1e6:>10,.1f} MB" if table.bytes >= 1e6 else f"{table.bytes / 1e3:>10,.1f} kB"
        click.echo(f"  {name:<20} {table.rows:>12,} rows {size}")


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInput("--as-of is not a date", expected="2026-01-31", got=repr(text)) from error


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
