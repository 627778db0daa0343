"""`seawall check`: every fault of an app in one run, as a good compiler would tell them.

Exit status: 0 the app is sound; 1 it has faults; 2 the command was used wrongly. With data at hand (`--data`, or an
instance's `.seawall` here), every panel, metric and field is also planned by the database that will answer it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from seawall.app.check import check as check_app
from seawall.app.faults import Fault
from seawall.app.model import Bundle
from seawall.cli.check_dry_run import DryRun, dry_run, preparation_faults
from seawall.cli.check_golden import golden_faults
from seawall.cli.check_print import print_faults, print_sound
from seawall.cli.options import APP, JSON


class Checked(msgspec.Struct, frozen=True):
    """The answer, as `--json` prints it."""

    ok: bool
    app: str
    """The folder that was checked."""
    digest: str
    """Names the bundle; empty when there are faults."""
    faults: tuple[Fault, ...]
    dry_run: DryRun


@click.command()
@APP
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=None,
    help="An instance's data directory to try every query on.  [default: .seawall, when prepared]",
)
@JSON
def check(app: Path, data: Path | None, as_json: bool) -> None:
    """Find every fault in an app folder."""
    checked, bundle = checked_app(app, data)
    show(checked, bundle, app, as_json=as_json)
    sys.exit(0 if checked.ok else 1)


def show(checked: Checked, bundle: Bundle | None, folder: Path, *, as_json: bool) -> None:
    """Print the answer, for people or for programs."""
    if as_json:
        click.echo(msgspec.json.encode(checked).decode())
    elif bundle is None or checked.faults:
        print_faults(folder, checked.faults)
    else:
        print_sound(folder, bundle, checked.dry_run)


def checked_alone(folder: Path) -> tuple[Checked, Bundle | None]:
    """The app, checked by itself: nothing is asked but its files."""
    bundle, faults = check_app(folder)
    if bundle is not None:
        faults = preparation_faults(folder, bundle)
    digest = bundle.digest if bundle else ""
    return Checked(ok=not faults, app=str(folder), digest=digest, faults=faults, dry_run=DryRun(skipped="not asked for")), bundle


def checked_app(folder: Path, data: Path | None) -> tuple[Checked, Bundle | None]:
    """The app, checked by itself and, when it is sound, against its data."""
    bundle, faults = check_app(folder)
    tried = DryRun(skipped="the app has faults")
    if bundle is not None:
        faults, tried = dry_run(folder, bundle, data)
        faults = (*faults, *golden_faults(folder, bundle))
    return Checked(ok=not faults, app=str(folder), digest=bundle.digest if bundle else "", faults=faults, dry_run=tried), bundle
