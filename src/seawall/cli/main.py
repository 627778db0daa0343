"""The `seawall` command. Sub-commands are imported when they are used, so that each starts as fast as what it needs.

Exit status of every command: 0 done as asked; 1 it failed or, for `status`, is not ready; 2 it was used or set up wrongly;
3 there is no instance, or for `up` there is one already; 130 interrupted. With `--json` an error is one JSON object on standard
error, with the members of a problem (docs/reference/errors.md).
"""

from __future__ import annotations

import errno
import importlib
import os
import sys

import click

from seawall.core.errors import ConfigurationError, InvalidInput, SeawallError
from seawall.core.problem import problem_of

COMMANDS = {
    "up": ("seawall.cli.up:up", "Start an instance and everything it needs."),
    "down": ("seawall.cli.down:down", "Stop an instance."),
    "status": ("seawall.cli.status:status", "Tell how an instance is."),
    "check": ("seawall.cli.check:check", "Find every fault in an app folder."),
    "query": ("seawall.cli.query:query", "Ask an app's data a question."),
    "ask": ("seawall.cli.ask:ask", "Ask an app's data a question in words."),
    "golden": ("seawall.cli.golden:golden", "Tell how well an app's questions are understood."),
    "publish": ("seawall.cli.publish:publish", "Make CSV or Parquet files the current data of an app."),
    "generation": ("seawall.cli.publish:generation", "Tell which data an app serves."),
    "token": ("seawall.cli.token:token", "Mint a short-lived token for a local instance."),
    "link": ("seawall.cli.link:link", "Make a link that signs a browser in, once."),
    "key": ("seawall.cli.key:key", "Make, list and revoke keys for machines that call models."),
    "exchanges": ("seawall.cli.exchanges:exchanges", "List, show, export and replay recorded model calls."),
    "models": ("seawall.cli.models:models", "Tell of models and routes, check models.yaml, move traffic."),
    "lab": ("seawall.cli.lab:lab", "Run simulators to try an instance with."),
    "drill": ("seawall.cli.drill:drill", "Take something away from an instance, see it keep its promises."),
    "prepare": ("seawall.cli.services:prepare", "Migrate the database and prepare the apps' data."),
    "gateway": ("seawall.cli.services:gateway", "Run the gateway (Envoy)."),
    "ui": ("seawall.cli.services:ui", "Run one replica of a ui lane."),
    "model-proxy": ("seawall.cli.services:model_proxy", "Run the model proxy."),
    "model-engine": ("seawall.cli.services:model_engine", "Run the models that ship with Seawall."),
    "workers": ("seawall.cli.services:workers", "Run the workers."),
}
"""Name → where the command is, and its line in the help."""


INTERRUPTED = 130
FIXES = {
    errno.ENOSPC: "Free some space and try again",
    errno.EDQUOT: "Free some space and try again",
    errno.EROFS: "Choose a directory that can be written to",
    errno.EACCES: "Run this as the user who owns it, or choose another",
    errno.EMFILE: "Allow more open files (ulimit -n)",
}
"""What to do about what the operating system refuses."""


class LazyGroup(click.Group):
    """A group that knows its commands by name only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise ConfigurationError(f"{module}:{attribute} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="seawall")
def cli() -> None:
    """Runs AI-generated dashboards and admin panels against enterprise traffic."""


def main() -> None:
    """Run the command line; errors become one sentence (with `--json`, one JSON object) on standard error and an exit status."""
    as_json = "--json" in sys.argv[1:]
    try:
        sys.exit(cli.main(prog_name="seawall", standalone_mode=False))
    except SeawallError as error:
        click.echo(problem_of(error).encode() if as_json else f"seawall: {error.sentence()}", err=True)
        sys.exit(exit_status(error))
    except click.ClickException as error:
        if as_json:
            click.echo(problem_of(InvalidInput(error.format_message())).encode(), err=True)
        else:
            error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # whoever read us is gone; nothing is to be flushed to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if os.environ.get("SEAWALL_SUPERVISED") or error.errno is None:  # a log says where it was; not the system's
            raise
        failed = of_the_system(error)
        click.echo(problem_of(failed).encode() if as_json else f"seawall: {failed.sentence()}", err=True)
        sys.exit(exit_status(failed))


def of_the_system(error: OSError) -> SeawallError:
    """What the operating system refused, in words: a full disk, a directory that may only be read."""
    about = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return SeawallError(f"{error.strerror or error}{about}", fix=FIXES.get(error.errno or 0, ""))


def exit_status(error: SeawallError) -> int:
    """3 for an instance in the way, 2 for wrong use or set-up, 1 for everything else."""
    if error.slug in ("already-running", "not-running"):
        return 3
    return 2 if isinstance(error, ConfigurationError | InvalidInput) else 1


if __name__ == "__main__":
    main()
