"""Units made of stand-ins. As a program (`DATA [--detach] [--port N]`): the real `seawall up` over a plan of them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import msgspec

from seawall.cli import main, up
from seawall.cli.supervisor_health import HttpProbe
from seawall.cli.supervisor_plan import Site
from seawall.cli.supervisor_process import die_with
from seawall.cli.supervisor_units import Unit
from seawall.core.errors import SeawallError

PROGRAM = str(Path(__file__).with_name("supervisor_stand_ins.py"))


def service(run: Path, name: str, *options: str, needs: tuple[str, ...] = (), essential: bool = True, grace_s: float = 3.0) -> Unit:
    """A unit that answers `/readyz`; it writes `start NAME` and `stop NAME` to RUN/events."""
    path = run / f"{name}-0.sock"
    argv = (sys.executable, "-S", PROGRAM, "serve", str(path), "--name", name, *options)
    return Unit(
        name=name, argv=argv, environment=dict(os.environ), needs=needs, probe=HttpProbe(path), essential=essential, stop_grace_s=grace_s
    )


def task(name: str, *options: str, needs: tuple[str, ...] = ()) -> Unit:
    """A unit that prints and ends."""
    return Unit(name=name, argv=(sys.executable, "-S", PROGRAM, "task", *options), environment=dict(os.environ), needs=needs)


def plan(site: Site) -> list[Unit]:
    """Two stores' worth of a house: back, prepare, two services, a front."""
    time.sleep(float(site.environment.get("STAND_IN_PLAN_S", "0")))
    run = site.instance.run
    said = site.environment.get("STAND_IN_PREPARE", '{"sign_in": "code"}')
    status = site.environment.get("STAND_IN_PREPARE_STATUS", "0")
    return [
        service(run, "back"),
        task("prepare", "--say", said, "--end", status, needs=("back",)),
        service(run, "left", "--children", needs=("prepare",)),
        service(run, "right", needs=("prepare",)),
        msgspec.structs.replace(service(run, "gateway", "--admin", needs=("left", "right")), drain_s=site.drain_s),
    ]


def run() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--people", action="store_true")
    options = parser.parse_args()
    if parent := os.environ.get("SEAWALL_DIE_WITH_PARENT"):
        die_with(int(parent))
    try:
        return up.run((), options.data, options.port, detach=options.detach, as_json=not options.people, planner=plan)
    except SeawallError as error:
        print(f"seawall: {error.sentence()}", file=sys.stderr)
        return main.exit_status(error)


if __name__ == "__main__":
    sys.exit(run())
