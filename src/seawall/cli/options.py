"""Options that several commands have, said once: what they are called and what they mean does not depend on the command."""

from __future__ import annotations

from pathlib import Path

import click

APP = click.argument("app", type=click.Path(exists=True, file_okay=False, path_type=Path))
DATA = click.option("--data", default=".seawall", show_default=True, type=click.Path(path_type=Path), help="The instance's data directory.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
ROLES = click.option("--role", "roles", multiple=True, required=True, metavar="ROLE", help="A role of the app; may be repeated.")
TENANT = click.option("--tenant", default="default", show_default=True, help="Whose data.")
ATTRIBUTES = click.option(
    "--attr", "attributes", multiple=True, metavar="KEY=VALUE", help="What row policies compare with; `a|b` is a list. May be repeated."
)
FORCE = click.option("--force", is_flag=True, help="Also for a role that no app of the instance has.")
