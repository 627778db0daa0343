"""The commands of single services: what `seawall up` runs, and what runs alone in production.

Each reads its settings from the environment, runs until SIGTERM, drains and returns. Services are imported by the command
that runs them, so that none pays for another's libraries.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import click

from seawall.core.settings import Settings, settings_from

PREPARED_POLL_S = 0.01
DRAIN_S_MAX = 8.0
"""How long a service may outlive its supervisor, beyond what it waits for calls in flight."""


@click.command()
@click.option("--lane", type=click.Choice(["read", "write"]), required=True, help="Which requests it answers.")
def ui(lane: str) -> None:
    """Run one replica of a ui lane."""
    from seawall.ui.service import run

    await_preparation()
    run(_settings(f"ui-{lane}"), lane)


@click.command("model-proxy")
def model_proxy() -> None:
    """Run the model proxy."""
    from seawall.model_proxy.service import run

    await_preparation()
    run(_settings("model-proxy"))


@click.command("model-engine")
def model_engine() -> None:
    """Run the models that ship with Seawall."""
    from seawall.model_proxy.embedded.service import run

    run(_settings("model-engine"))


@click.command()
def workers() -> None:
    """Run the workers."""
    from seawall.workers.service import run

    await_preparation()
    run(_settings("workers"))


@click.command()
def gateway() -> None:
    """Write Envoy's configuration and become Envoy."""
    from seawall.gateway.service import run

    await_preparation()
    run(_settings("gateway", watch=False))


@click.command()
@click.option("--instance", is_flag=True, hidden=True, help="Report to `seawall up` as JSON lines.")
@click.option("--vectors", is_flag=True, help="Prepare the vector store (VECTOR_URL) instead.")
def prepare(instance: bool, vectors: bool) -> None:
    """Migrate the database, make the keys and prepare the apps' data."""
    import asyncio

    if vectors:
        from seawall.cli.supervisor_prepare import prepare_vectors

        asyncio.run(prepare_vectors(os.environ))
        return
    from seawall.cli.supervisor_prepare import prepare_instance

    settings = _settings("prepare")
    for folder in (settings.warehouse, settings.summaries):
        make_private(folder)
    asyncio.run(prepare_instance(settings, os.environ, as_json=instance))
    if prepared := os.environ.get("SEAWALL_PREPARED"):
        Path(prepared).touch()


def make_private(folder: Path) -> None:
    """A folder that only its owner may look into, also when it was made before."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)


def await_preparation() -> None:
    """Under `seawall up`: return once `seawall prepare` is done. Everything is imported by then."""
    prepared = os.environ.get("SEAWALL_PREPARED")
    while prepared and not Path(prepared).exists():
        time.sleep(PREPARED_POLL_S)


def _settings(service: str, *, watch: bool = True) -> Settings:
    """The settings of a service. From here on whatever this process makes is for its user alone."""
    os.umask(0o077)
    settings = settings_from({"SEAWALL_SERVICE": service} | dict(os.environ))
    if watch and os.environ.get("SEAWALL_SUPERVISED"):
        outlive_nobody(os.getppid(), drain_s_max(service, settings))
    return settings


def drain_s_max(service: str, settings: Settings) -> float:
    """How long a service may outlive its supervisor; what a model is saying gets its time to end."""
    return DRAIN_S_MAX + (settings.drain_seconds if service == "model-proxy" else 0.0)


def outlive_nobody(supervisor: int, seconds: float) -> None:
    """When the supervisor is killed the kernel sends us SIGTERM; a service that has not ended `seconds` later is ended, with its group."""

    def watch() -> None:
        while os.getppid() == supervisor:
            time.sleep(1.0)
        time.sleep(seconds)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, name="supervisor watch", daemon=True).start()
