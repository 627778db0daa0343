"""`seawall models`: which models and routes there are, whether models.yaml is sound, and who gets which model."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import msgspec

from seawall.app.faults import Fault
from seawall.cli.models_route import route
from seawall.cli.options import JSON
from seawall.model_proxy.config import Config
from seawall.model_proxy.config_load import check as check_file
from seawall.model_proxy.config_load import load, models_file

_FILE = click.option(
    "--models",
    "file",
    type=click.Path(path_type=Path),
    default=None,
    help="The models.yaml to read.  [default: SEAWALL_MODELS, or the packaged one]",
)


class CheckedModels(msgspec.Struct, frozen=True):
    """What `check --json` prints."""

    ok: bool
    file: str
    faults: tuple[Fault, ...]


@click.group()
def models() -> None:
    """Models, routes, and who gets which."""


models.add_command(route)


@models.command("list")
@_FILE
@JSON
def list_models(file: Path | None, as_json: bool) -> None:
    """List models and routes."""
    config = load(file or models_file(os.environ))
    if as_json:
        click.echo(msgspec.json.encode({"models": config.models, "routes": config.routes}).decode())
        return
    for line in _lines(config):
        click.echo(line)


def _lines(config: Config) -> list[str]:
    lines = [f"{'MODEL':<24} {'PROVIDER':<16} {'TIER':<6} {'KIND':<10} USD PER MILLION TOKENS"]
    for name, model in config.models.items():
        prices = f"{model.target.input_price / 1000:g} in, {model.target.output_price / 1000:g} out"
        lines.append(f"{name:<24} {model.target.provider:<16} {model.target.tier:<6} {model.kind:<10} {prices}")
    lines += ["", f"{'ROUTE':<24} {'VARIANTS':<40} FALLBACK"]
    for name, one in config.routes.items():
        if name not in config.models:
            weights = ", ".join(f"{model} {weight}" for model, weight in one.variants.items())
            lines.append(f"{name:<24} {weights:<40} {', '.join(one.fallback) or '—'}")
    return lines


@models.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--keys/--no-keys", default=True, show_default=True, help="Also look whether the providers' keys are there.")
@JSON
def check(file: Path | None, keys: bool, as_json: bool) -> None:
    """Find every fault in a models.yaml, and keys that are missing."""
    path = file or models_file(os.environ)
    config, faults = check_file(path, os.environ if keys else None)
    if as_json:
        click.echo(msgspec.json.encode(CheckedModels(not faults, str(path), faults)).decode())
    elif config is None:
        from seawall.cli.check_print import print_faults

        print_faults(path.parent, faults)
    else:
        click.echo(f"{path} is sound: {len(config.providers)} providers, {len(config.models)} models, {len(config.routes)} routes")
    sys.exit(1 if faults else 0)
