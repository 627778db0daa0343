"""`seawall up`: start an instance, tell when it is ready, keep it running, stop it when asked.

Guarantees: an app with faults starts nothing and leaves nothing; a second `up` on the same data directory is refused and changes nothing
of the first; what an earlier, killed one left is cleared first; Ctrl-C, SIGTERM and the supervisor's own death end every process it
started and nothing else. Exit status as in `cli/main.py`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from seawall.cli.instance import Instance, locate
from seawall.cli.instance_directories import claim, prepare
from seawall.cli.instance_leftovers import clear_run, recover
from seawall.cli.instance_lock import lock
from seawall.cli.supervisor_detach import detached
from seawall.cli.supervisor_instance import RunningInstance
from seawall.cli.supervisor_plan import Engines, Site, plan
from seawall.cli.supervisor_port import DEFAULT_PORT, hold_port
from seawall.cli.supervisor_process import die_with, postgres_identity
from seawall.cli.supervisor_report import HumanReporter, JsonReporter, Reporter
from seawall.cli.supervisor_units import Unit
from seawall.cli.up_check import check_addresses, models_sound, sound
from seawall.core.errors import ConfigurationError
from seawall.store import embedded_postgres, embedded_valkey

DEFAULT_APP = Path("apps/merchandising")
UNSOUND = 2
"""The exit status when the app has faults: it was used wrongly, and nothing was started."""

Planner = Callable[[Site], Sequence[Unit]]


@click.command()
@click.argument("app", type=click.Path(path_type=Path), required=False)
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path(".seawall"), show_default=True, help="Where the instance keeps everything."
)
@click.option("--port", type=click.IntRange(1, 65535), help=f"The port users open. [default: {DEFAULT_PORT}, or the next free one]")
@click.option(
    "--models", type=click.Path(path_type=Path), help="The models.yaml to use.  [default: SEAWALL_MODELS, or the embedded models]"
)
@click.option("--detach", is_flag=True, help="Return when ready; `seawall down` stops it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
def up(app: Path | None, data: Path, port: int | None, models: Path | None, detach: bool, as_json: bool) -> None:
    """Start an instance of APP (default: apps/merchandising) and everything it needs.

    An app or a models.yaml with faults is not started: they are told as `seawall check` tells them, and the exit status is 2.
    """
    apps = (_app_folder(app or DEFAULT_APP),)
    check_addresses(os.environ)
    parent = os.environ.get("SEAWALL_DIE_WITH_PARENT", "")
    if parent and not detach:
        die_with(int(parent) if parent.isdecimal() else 0)
    if not sound(apps, data, as_json=as_json) or not _models_sound(models, as_json=as_json):
        sys.exit(UNSOUND)
    sys.exit(run(apps, data, port, detach=detach, as_json=as_json, planner=real_plan))


def _models_sound(models: Path | None, *, as_json: bool) -> bool:
    """Hand a models.yaml of the user's own on to the services, if it has no faults."""
    named = str(models or os.environ.get("SEAWALL_MODELS", ""))
    if not named:
        return True
    os.environ["SEAWALL_MODELS"] = str(Path(named).absolute())
    return models_sound(Path(named).absolute(), as_json=as_json)


def run(apps: tuple[Path, ...], data: Path, port: int | None, *, detach: bool, as_json: bool, planner: Planner) -> int:
    """Run an instance of what `planner` names until it is stopped; detached: until it is ready. Returns the exit status."""
    instance = locate(data, os.environ)
    claim(instance)

    def hold(on_ready: Callable[[], None]) -> int:
        return _hold(instance, apps, port, as_json=as_json, planner=planner, on_ready=on_ready)

    return detached(hold, instance.logs / "supervisor.log") if detach else hold(lambda: None)


def _hold(
    instance: Instance, apps: tuple[Path, ...], port: int | None, *, as_json: bool, planner: Planner, on_ready: Callable[[], None]
) -> int:
    lock(instance)
    prepare(instance)
    recover(instance)
    try:
        with hold_port(port, os.environ.get("SEAWALL_LISTEN", "")) as held:
            site = Site(instance, apps, held.getsockname()[1], dict(os.environ))
            reporter: Reporter = JsonReporter(sys.stdout) if as_json else HumanReporter(sys.stdout)
            running = RunningInstance(site, planner(site), reporter, on_ready)
            return asyncio.run(running.run())
    finally:
        clear_run(instance)


def real_plan(site: Site) -> Sequence[Unit]:
    """The units of a real instance; writes the embedded engines' configuration."""
    engines = Engines()
    if not site.environment.get("DATABASE_URL"):
        identity = postgres_identity(site.instance.cluster)
        postgres = embedded_postgres.embedded_postgres(site.instance.data, site.instance.run, identity)
        engines = msgspec.structs.replace(engines, postgres=postgres, postgres_passwords=embedded_postgres.prepare(postgres))
    if not site.environment.get("VALKEY_URL"):
        valkey = embedded_valkey.embedded_valkey(site.instance.data, site.instance.run)
        engines = msgspec.structs.replace(engines, valkey=valkey, valkey_passwords=embedded_valkey.prepare(valkey))
    if not site.environment.get("VECTOR_URL"):
        identity = postgres_identity(site.instance.vector_cluster)
        vectors = embedded_postgres.embedded_vectors(site.instance.data, site.instance.run, identity)
        engines = msgspec.structs.replace(engines, vectors=vectors, vectors_passwords=embedded_postgres.prepare(vectors))
    return plan(site, engines)


def _app_folder(folder: Path) -> Path:
    if not (folder / "app.yaml").is_file():
        raise ConfigurationError(
            f"{folder} is not an app", expected="a folder with an app.yaml", fix="Name an app's folder: seawall up FOLDER"
        )
    if ":" in str(folder.absolute()):
        raise ConfigurationError(
            "The path of an app has a colon, which parts paths in SEAWALL_APPS", got=str(folder.absolute()), fix="Move or rename the folder"
        )
    return folder.absolute()
