"""`seawall token`: a short-lived token for a local instance, for scripts and for trying things out.

Whoever can read the instance's signing key may speak for anybody; that is the owner of its data directory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from seawall.app.durations import parse_duration
from seawall.cli.options import ATTRIBUTES, DATA, FORCE, JSON, ROLES, TENANT
from seawall.cli.roles import check_roles
from seawall.core.errors import InvalidInput
from seawall.core.principal import Attribute, Principal
from seawall.trust import keys
from seawall.trust.tokens import Tokens


class InvalidAttribute(InvalidInput):
    """An attribute is a name, `=` and a value."""

    slug = "invalid-attribute"


class Minted(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    token: str
    expires_in: float
    """Seconds."""
    user: str
    roles: tuple[str, ...]


@click.command()
@ROLES
@click.option("--user", default="local", show_default=True, help="Who the token speaks for.")
@TENANT
@ATTRIBUTES
@click.option("--ttl", default="5m", show_default=True, help="How long it works, at most 24h.")
@DATA
@FORCE
@JSON
def token(
    roles: Sequence[str], user: str, tenant: str, attributes: Sequence[str], ttl: str, data: Path, force: bool, as_json: bool
) -> None:
    """Mint a short-lived token for a local instance."""
    signing = keys.load(data / "keys")
    if not force:
        check_roles(roles, data)
    principal = Principal(user=user, tenant=tenant, roles=tuple(roles), attributes=parse_attributes(attributes))
    seconds = parse_duration(ttl)
    minted = Minted(Tokens(signing).mint(principal, seconds), seconds, user, tuple(roles))
    click.echo(msgspec.json.encode(minted).decode() if as_json else minted.token)


def parse_attributes(texts: Sequence[str]) -> dict[str, Attribute]:
    """`["region=north", "store_groups=a|b"]` as {"region": "north", "store_groups": ("a", "b")}."""
    found: dict[str, Attribute] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals) or name in found:
            raise InvalidAttribute(expected="KEY=VALUE, each key once", got=repr(text[:60]), fix="Write --attr store_groups='north|south'")
        found[name] = tuple(part for part in value.split("|") if part) if "|" in value else value
    return found
