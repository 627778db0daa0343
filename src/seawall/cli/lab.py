"""`seawall lab`: simulators to try an app or an instance with."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from seawall.core.errors import InvalidInput

if TYPE_CHECKING:
    from seawall.lab.behaviours import Step
    from seawall.lab.provider import ProviderSimulator


@click.group()
def lab() -> None:
    """Simulators to try an instance with."""


@lab.command()
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Listen on 127.0.0.1; 0: on a free port.  [default: 8421]")
@click.option("--socket", type=click.Path(path_type=Path), default=None, help="Listen on this unix socket instead.")
@click.option(
    "--script", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None, help="What it does to which requests."
)
@click.option("--seed", default=0, show_default=True, help="What it says depends on this.")
def provider(port: int | None, socket: Path | None, script: Path | None, seed: int) -> None:
    """Run a provider of models that speaks OpenAI's API and misbehaves on demand.

    How it behaves is said in the model's name (`gpt-x;status=429;retry_after=2`), in the header `lab-behaviour`, or in a script: a YAML
    list of steps like `{model: gpt-x, behave: "status=500", times: 2}`. `GET /_sim/calls` tells what it received.
    """
    from seawall.lab.provider import ProviderSimulator

    simulator = ProviderSimulator(seed=seed, script=_steps(script))
    asyncio.run(_serve(simulator, 8421 if port is None else port, socket))


def _steps(script: Path | None) -> tuple[Step, ...]:
    """The steps of a script. InvalidInput when it is none."""
    from seawall.app.yaml_reader import MalformedYaml, parse_yaml
    from seawall.lab.behaviours import Step

    if script is None:
        return ()
    try:
        tree, _ = parse_yaml(script.read_bytes(), str(script))
        return msgspec.convert(tree.plain(), tuple[Step, ...])
    except MalformedYaml as error:
        raise InvalidInput(f"{script}:{error.mark.line}: {error.detail}", fix=error.hint) from error
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{script} is not a script", expected="a list of {model, behave, times}", got=str(error)) from error


async def _serve(simulator: ProviderSimulator, port: int, socket: Path | None) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    click.echo(f"Listening on {await simulator.listen(port=port, socket=socket)}")
    await stopping.wait()
    await simulator.close()
