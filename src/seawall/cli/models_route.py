"""`seawall models route`: who gets which model, changed while an instance runs.

Every replica follows within a second. A change stands over models.yaml until it is reset, and is kept with who made it, when and why.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from seawall.cli.instance import locate
from seawall.cli.operational import operational
from seawall.cli.options import DATA, JSON
from seawall.cli.who import who
from seawall.core.errors import InvalidInput, NotFound
from seawall.model_proxy.config import Config
from seawall.model_proxy.config_load import load, models_file
from seawall.model_proxy.route.live import RouteHistory
from seawall.model_proxy.route.router import LiveRoute, usable

_FILE = click.option(
    "--models", "file", type=click.Path(path_type=Path), default=None, help="Its models.yaml.  [default: the one it was started with]"
)
_WHY = click.option("--why", default="", help="The reason, for the history.")
WEIGHT_MAX = 1_000_000
Result = TypeVar("Result")


class InvalidRoute(InvalidInput):
    """The route cannot be set so."""

    slug = "invalid-route"


class ShownChange(msgspec.Struct, frozen=True):
    """A change of a route, as `--json` prints it."""

    variants: dict[str, int] | None
    """None: back to models.yaml."""
    fallback: tuple[str, ...]
    who: str
    why: str
    at: datetime


class ShownRoute(msgspec.Struct, frozen=True):
    """A route in force, as `--json` prints it."""

    route: str
    variants: dict[str, int]
    fallback: tuple[str, ...]
    live: bool
    """Set by an operator; else as models.yaml says."""
    changes: tuple[ShownChange, ...]
    """Newest first."""


@click.group()
def route() -> None:
    """Show and change who gets which model."""


@route.command()
@click.argument("name", metavar="[ROUTE]", required=False)
@DATA
@_FILE
@JSON
def show(name: str | None, data: Path, file: Path | None, as_json: bool) -> None:
    """Show a route with its history, or every route in force."""
    config = _config(data, file)
    names = [_known(config, name)] if name else [one for one in config.routes if one not in config.models]

    async def work(history: RouteHistory) -> list[ShownRoute]:
        return [await _shown(config, history, one, most=50 if name else 1) for one in names]

    found = asyncio.run(_with(data, work))
    if as_json:
        click.echo(msgspec.json.encode({"routes": found}).decode())
        return
    for one in found:
        click.echo("\n".join(_lines(one, history=bool(name))))


@route.command("set")
@click.argument("name", metavar="ROUTE")
@click.argument("weights", metavar="MODEL=WEIGHT...", nargs=-1, required=True)
@click.option("--fallback", multiple=True, metavar="MODEL", help="Asked when the variant fails; may be repeated.  [default: as it is]")
@_WHY
@DATA
@_FILE
@JSON
def set_weights(name: str, weights: Sequence[str], fallback: Sequence[str], why: str, data: Path, file: Path | None, as_json: bool) -> None:
    """Give a route's models their weights."""
    config = _config(data, file)
    variants = parse_weights(weights, tuple(config.models))
    _check(config, _known(config, name), LiveRoute(variants, tuple(fallback)))

    def change(current: ShownRoute) -> LiveRoute:
        return LiveRoute(variants, tuple(fallback) or current.fallback)

    _change(name, change, why, data, file, as_json=as_json)


@route.command()
@click.argument("name", metavar="ROUTE")
@click.argument("model", required=False)
@_WHY
@DATA
@_FILE
@JSON
def flip(name: str, model: str | None, why: str, data: Path, file: Path | None, as_json: bool) -> None:
    """Send everybody to MODEL; of two variants, to the other one."""

    def change(current: ShownRoute) -> LiveRoute:
        return LiveRoute(flipped(current.variants, model), current.fallback)

    _change(name, change, why, data, file, as_json=as_json)


@route.command()
@click.argument("name", metavar="ROUTE")
@_WHY
@DATA
@_FILE
@JSON
def rollback(name: str, why: str, data: Path, file: Path | None, as_json: bool) -> None:
    """Undo the last change of a route."""

    def change(current: ShownRoute) -> LiveRoute | None:
        if not current.changes:
            raise InvalidRoute(f"The route {name} was never changed", fix="`seawall models route show` tells what is in force")
        before = current.changes[1] if len(current.changes) > 1 else None
        return None if before is None or before.variants is None else LiveRoute(before.variants, before.fallback)

    _change(name, change, why or "rollback", data, file, as_json=as_json)


@route.command()
@click.argument("name", metavar="ROUTE")
@_WHY
@DATA
@_FILE
@JSON
def reset(name: str, why: str, data: Path, file: Path | None, as_json: bool) -> None:
    """Let a route be as models.yaml says again."""
    _change(name, lambda _: None, why or "reset", data, file, as_json=as_json)


def parse_weights(texts: Sequence[str], models: Sequence[str]) -> dict[str, int]:
    """`["a=90", "b=10"]` as {"a": 90, "b": 10}. InvalidRoute otherwise, which names the `models` there are."""
    found: dict[str, int] = {}
    for text in texts:
        model, _, weight = text.rpartition("=")
        if not model or model in found or not weight.isascii() or not weight.isdecimal() or int(weight) > WEIGHT_MAX:
            raise InvalidRoute(
                expected=f"MODEL=WEIGHT, each model once, a weight of at most {WEIGHT_MAX:,}",
                got=repr(text[:60]),
                fix=f"The models are {', '.join(models)}",
            )
        found[model] = int(weight)
    return found


def flipped(variants: Mapping[str, int], model: str | None) -> dict[str, int]:
    """All weight to one model; without its name to the lighter of two. InvalidRoute when that is not clear."""
    if model is None:
        if len(variants) != 2:
            listed = ", ".join(variants)
            raise InvalidRoute(
                "The route does not have two variants to flip between", got=listed, fix="Name the model to send everybody to"
            )
        model = min(variants, key=lambda one: variants[one])
    return dict.fromkeys(variants, 0) | {model: 100}


# ── inside ──


def _change(name: str, change: Callable[[ShownRoute], LiveRoute | None], why: str, data: Path, file: Path | None, *, as_json: bool) -> None:
    config = _config(data, file)
    _known(config, name)

    async def work(history: RouteHistory) -> ShownRoute:
        setting = change(await _shown(config, history, name))
        if setting is not None:
            _check(config, name, setting)
        await history.set(name, setting, who=who(), why=why)
        return await _shown(config, history, name)

    shown = asyncio.run(_with(data, work))
    click.echo(msgspec.json.encode(shown).decode() if as_json else "\n".join(_lines(shown, history=False)))


def _config(data: Path, file: Path | None) -> Config:
    """What the instance was started with, unless a file is named here or in the environment."""
    record = locate(data, os.environ).read()
    started_with = Path(record.models) if record is not None and record.models and "SEAWALL_MODELS" not in os.environ else None
    return load(file or started_with or models_file(os.environ))


def _known(config: Config, name: str) -> str:
    if name not in config.routes:
        raise NotFound(f"There is no route {name!r}", expected=f"one of {', '.join(config.routes)}")
    return name


def _check(config: Config, name: str, setting: LiveRoute) -> None:
    """InvalidRoute, with the models there are, for a setting that cannot be."""
    kind = config.models[next(iter(config.routes[name].variants))].kind
    there = [one for one, model in config.models.items() if model.kind == kind]
    wrong = [one for one in (*setting.variants, *setting.fallback) if one not in there]
    if wrong:
        what = "is a model of another kind" if wrong[0] in config.models else "is not in models.yaml"
        raise InvalidRoute(f"The route {name} cannot be set so: {wrong[0][:100]!r} {what}", expected=f"one of {', '.join(there)}")
    if not usable(config, name, setting):
        raise InvalidRoute(f"The route {name} cannot be set so: nobody would be asked", expected="a weight above 0")


async def _shown(config: Config, history: RouteHistory, name: str, *, most: int = 2) -> ShownRoute:
    changes = await history.of(name, most=most)
    setting = changes[0].setting if changes else None
    told = tuple(
        ShownChange(one.setting.variants if one.setting else None, one.setting.fallback if one.setting else (), one.who, one.why, one.at)
        for one in changes
    )
    if setting is not None and usable(config, name, setting):
        return ShownRoute(name, setting.variants, setting.fallback, True, told)
    return ShownRoute(name, config.routes[name].variants, config.routes[name].fallback, False, told)


def _lines(shown: ShownRoute, *, history: bool) -> list[str]:
    weights = ", ".join(f"{model} {weight}" for model, weight in shown.variants.items())
    fallback = f", then {', '.join(shown.fallback)}" if shown.fallback else ""
    lines = [f"{shown.route}: {weights}{fallback}  ({'live' if shown.live else 'models.yaml'})"]
    for one in shown.changes if history else ():
        to = "models.yaml" if one.variants is None else ", ".join(f"{model} {weight}" for model, weight in one.variants.items())
        lines.append(f"  {one.at:%Y-%m-%d %H:%M:%S}  {one.who}: {to}" + (f"  ({one.why})" if one.why else ""))
    return lines


@asynccontextmanager
async def _history(data: Path) -> AsyncIterator[RouteHistory]:
    from seawall.store.embedded_postgres import OWNER

    async with operational(data, OWNER) as database:
        yield RouteHistory(database)


async def _with(data: Path, work: Callable[[RouteHistory], Awaitable[Result]]) -> Result:
    async with _history(data) as history:
        return await work(history)
