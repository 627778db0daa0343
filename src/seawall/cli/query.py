"""`seawall query`: ask an app's data a question as somebody with given rights, and see what they would see.

The answer comes from the prepared data on this machine, for which nothing needs to run; for operational datasets from the
running instance's Postgres, or from `DATABASE_URL`. `--explain` shows the statement and its parameters instead of running it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, cast

import click
import msgspec

from seawall.app.load import load_bundle
from seawall.app.model import App, Dimension, MetricQuery, Order
from seawall.app.names import GRAINS
from seawall.cli.engines import reached, require_data
from seawall.cli.query_print import PRINTERS, print_explained, print_explained_json
from seawall.core.deadline import Deadline
from seawall.core.errors import InvalidInput, NotFound
from seawall.core.principal import Attribute, Principal
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_query import engine_of
from seawall.query.errors import EngineUnavailable
from seawall.query.filters import parse_where
from seawall.query.policy import EffectivePolicy, resolve
from seawall.query.service import QueryService


class Asked(msgspec.Struct, frozen=True):
    """The options, as they were given."""

    metrics: tuple[str, ...]
    by: tuple[str, ...]
    where: tuple[str, ...]
    order: tuple[str, ...]
    limit: int | None
    last: int | None


@click.command()
@click.argument("app", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--metric", "metrics", multiple=True, help="A metric; may be repeated. Without one, the values of --by are listed.")
@click.option("--by", multiple=True, help="A grain (week), a field, or FIELD:GRAIN; may be repeated.")
@click.option("--where", multiple=True, help="A condition such as 'department = GROCERY'; may be repeated.")
@click.option(
    "--as", "who", required=True, help="role=viewer,store_groups=a|b: the roles and attributes to ask with; `user` and `tenant` too."
)
@click.option("--order", multiple=True, help="A column of the answer, with a leading - for descending; may be repeated.")
@click.option("--limit", type=click.IntRange(0), default=None, help="At most so many rows.")
@click.option("--last", type=click.IntRange(1), default=None, help="Only the last N complete periods.")
@click.option("--format", "form", type=click.Choice(sorted(PRINTERS)), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json; an error, too, is one JSON object.")
@click.option("--data", type=click.Path(path_type=Path), default=Path(".seawall"), show_default=True, help="An instance's data directory.")
@click.option("--timeout", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, help="Seconds.")
@click.option("--explain", is_flag=True, help="Show the statement and its parameters; run nothing.")
def query(
    app: Path,
    metrics: tuple[str, ...],
    by: tuple[str, ...],
    where: tuple[str, ...],
    who: str,
    order: tuple[str, ...],
    limit: int | None,
    last: int | None,
    form: Literal["table", "json", "csv", "arrow"],
    as_json: bool,
    data: Path,
    timeout: float,
    explain: bool,
) -> None:
    """Ask an app's data a question."""
    asked = Asked(metrics, by, where, order, limit, last)
    asyncio.run(_run(app, asked, principal_of(who), "json" if as_json else form, data, Deadline.after(timeout), explain=explain))


def principal_of(text: str) -> Principal:
    """`role=viewer,store_groups=a|b` as a principal. InvalidInput when a part has no `=`."""
    attributes: dict[str, Attribute] = {}
    roles: tuple[str, ...] = ()
    named = {"user": "somebody", "tenant": "default"}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise InvalidInput("A right is not as it should be", expected="role=NAME or ATTRIBUTE=VALUE", got=repr(part[:80]))
        values = tuple(value.split("|"))
        if key in ("role", "roles"):
            roles = values
        elif key in named:
            named[key] = value
        else:
            attributes[key] = values if len(values) > 1 else value
    return Principal(named["user"], named["tenant"], roles, attributes)


def query_of(app: App, policy: EffectivePolicy, asked: Asked) -> MetricQuery:
    """The question, with bare names resolved among what `policy` shows."""
    return MetricQuery(
        metrics=asked.metrics,
        by=tuple(_dimension(app, policy, text) for text in asked.by),
        where=tuple(parse_where(app, text, policy) for text in asked.where),
        order=tuple(Order(text.removeprefix("-"), text.startswith("-")) for text in asked.order),
        limit=asked.limit,
        last=asked.last,
    )


def _dimension(app: App, policy: EffectivePolicy, text: str) -> Dimension:
    name, colon, grain = text.partition(":")
    if name in GRAINS and not colon:
        return Dimension(name, "", cast("Literal['day']", name))
    if colon and grain not in GRAINS:
        raise InvalidInput("There is no such grain", expected=f"one of {', '.join(GRAINS)}", got=grain[:40])
    try:
        field = Vocabulary(app, policy).field(name)
    except NotFound as error:
        if colon or not (close := get_close_matches(name, GRAINS, n=1)):
            raise
        raise NotFound(error.detail, fix=f"Did you mean {close[0]}?") from error
    return Dimension(grain or field.name, field.ref, cast("Literal['day'] | None", grain or None))


async def _run(folder: Path, asked: Asked, principal: Principal, form: str, data: Path, deadline: Deadline, *, explain: bool) -> None:
    bundle = load_bundle(folder)
    if not set(principal.roles) & set(bundle.app.roles):
        raise InvalidInput("The app has no such role", expected=f"one of {', '.join(bundle.app.roles)}", got=", ".join(principal.roles))
    policy = resolve(bundle.app, principal)
    question = query_of(bundle.app, policy, asked)
    require_data(bundle.app, data)
    async with reached(bundle.app, data) as there:
        if why := there.missing.get(engine_of(bundle.app, question)):
            raise EngineUnavailable("The operational tables cannot be read", got=why, fix="Start it with `seawall up`, or set DATABASE_URL")
        service = QueryService(bundle, there.engines, there.generations)
        if explain:
            moment, compiled = service.compile(question, policy)
            (print_explained_json if form == "json" else print_explained)(compiled, moment)
            return
        answer = await service.table(question, policy, deadline=deadline)
    show: Callable[..., None] = PRINTERS[form]
    show(answer, sys.stdout.buffer)
