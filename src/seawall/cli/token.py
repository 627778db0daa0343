"""`seawall token`: a short-lived token for a local instance, for scripts and for trying things out.

Whoever can read the instance's signing key may speak for anybody; that is the owner of its data directory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from seawall.app.durations import parse_duration
from seawall.core.errors import InvalidInput
from seawall.core.principal import Attribute, Principal
from seawall.trust import keys
from seawall.trust.tokens import Tokens


class InvalidAttribute(InvalidInput):
    """An attribute is a name, `=` and a value."""

    slug = "invalid-attribute"


@click.command()
@click.option("--role", "roles", multiple=True, required=True, metavar="ROLE", help="A role of the app; may be repeated.")
@click.option("--user", default="local", show_default=True, help="Who the token speaks for.")
@click.option("--tenant", default="default", show_default=True, help="Whose data.")
@click.option(
    "--attr", "attributes", multiple=True, metavar="KEY=VALUE", help="What row policies compare with; `a|b` is a list. May be repeated."
)
@click.option("--ttl", default="5m", show_default=True, help="How long it works, at most 24h.")
@click.option("--data", default=".seawall", show_default=True, type=click.Path(path_type=Path), help="The instance's data directory.")
def token(roles: Sequence[str], user: str, tenant: str, attributes: Sequence[str], ttl: str, data: Path) -> None:
    """Mint a short-lived token for a local instance."""
    principal = Principal(user=user, tenant=tenant, roles=tuple(roles), attributes=parse_attributes(attributes))
    click.echo(Tokens(keys.load(data / "keys")).mint(principal, parse_duration(ttl)))


def parse_attributes(texts: Sequence[str]) -> dict[str, Attribute]:
    """`["region=north", "store_groups=a|b"]` as {"region": "north", "store_groups": ("a", "b")}."""
    found: dict[str, Attribute] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals) or name in found:
            raise InvalidAttribute(expected="KEY=VALUE, each key once", got=repr(text[:60]), fix="Write --attr store_groups='north|south'")
        found[name] = tuple(part for part in value.split("|") if part) if "|" in value else value
    return found
