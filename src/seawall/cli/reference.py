"""docs/reference/cli.md and settings.md, written from the commands and the settings themselves.

`python -m seawall.cli.reference docs/reference` rewrites both; a test holds that they are current.
"""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

import click

from seawall.cli import main
from seawall.core import settings

_NOTE = "<!-- Written by `make docs`. -->\n"


def cli_text() -> str:
    """docs/reference/cli.md."""
    statuses = (main.__doc__ or "").split("\n\n", 1)[1].replace("\n", " ").strip()
    parts = [f"# Commands\n\n{_NOTE}\n{statuses}\n"]
    with click.Context(main.cli, info_name="seawall", **main.cli.context_settings) as parent:
        for name in main.cli.list_commands(parent):
            command = main.cli.get_command(parent, name)
            if command is not None:
                parts += _command_texts(command, name, parent)
    return "\n".join(parts)


def _command_texts(command: click.Command, name: str, parent: click.Context) -> list[str]:
    """A command's text, and those of its sub-commands."""
    with click.Context(command, info_name=name, parent=parent) as context:
        texts = [_command_text(command, context)]
        for under, one in command.commands.items() if isinstance(command, click.Group) else ():
            texts += _command_texts(one, under, context)
    return texts


def _command_text(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"## `{context.command_path}`\n", f"```\n{usage}\n```\n", f"{inspect.cleandoc(command.help or '')}\n"]
    options = [record for one in command.params if isinstance(one, click.Option) and (record := one.get_help_record(context))]
    options.append((", ".join(context.help_option_names), "Show this message and exit."))
    lines += ["| option | meaning |", "|---|---|", *(f"| `{_cell(name)}` | {_cell(about)} |" for name, about in options), ""]
    return "\n".join(lines)


def settings_text() -> str:
    """docs/reference/settings.md."""
    about = (settings.Settings.__doc__ or "").strip()
    rows = ["| variable | meaning | default |", "|---|---|---|"]
    for variable, default, meaning in read_settings():
        rows.append(f"| `{variable}` | {_cell(meaning)} | {f'`{default}`' if default else ''} |")
    return (
        f"# Settings\n\n{_NOTE}\nEvery service process reads these from its environment; `seawall up` sets them. {about}\n\n"
        + "\n".join(rows)
        + "\n"
    )


def read_settings() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of each field of Settings whose docstring names a variable."""
    found = []
    body = ast.parse(inspect.getsource(settings.Settings)).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(type(body))
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            variable, _, meaning = str(after.value.value).partition(": ")
            default = ast.literal_eval(field.value) if field.value is not None else ""
            found.append((variable.strip("`"), str(default), " ".join(meaning.split())))
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "cli.md").write_text(cli_text())
    (folder / "settings.md").write_text(settings_text())
