"""Which roles an instance's apps have, so that a slip in `--role` is told rather than signed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from seawall.app.yaml_reader import MalformedYaml, parse_yaml
from seawall.cli.instance import locate
from seawall.core.errors import InvalidInput

DEFAULT_APP = Path("apps/merchandising")


def check_roles(roles: Sequence[str], data: Path) -> None:
    """InvalidInput when no app of the instance knows one of `roles`. Nothing when its apps are not known or not readable."""
    known = known_roles(data)
    wrong = [role for role in roles if role not in known]
    if known and wrong:
        raise InvalidInput(
            "The instance's apps have no such role",
            expected=f"one of {', '.join(known)}",
            got=", ".join(wrong),
            fix="With --force it is made all the same",
        )


def known_roles(data: Path) -> tuple[str, ...]:
    """The roles of the apps that run, else of those in SEAWALL_APPS, else of the default app; none when one cannot be read."""
    record = locate(data, os.environ).read()
    named = os.environ.get("SEAWALL_APPS", "")
    folders = [Path(app) for app in (record.apps if record else ()) or filter(None, named.split(":"))] or [DEFAULT_APP]
    found: list[str] = []
    for folder in folders:
        try:
            tree, _ = parse_yaml((folder / "app.yaml").read_bytes(), "app.yaml")
        except (OSError, MalformedYaml):
            return ()
        declared = tree.get("roles")
        found += declared.entries() if declared is not None else ()
    return tuple(dict.fromkeys(found))
