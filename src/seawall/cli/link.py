"""`seawall link`: a one-time sign-in link for a local instance, as whoever you want to see it as."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from seawall.app.durations import parse_duration
from seawall.cli.instance import NotRunning, locate
from seawall.cli.operational import operational
from seawall.cli.options import ATTRIBUTES, DATA, FORCE, JSON, ROLES, TENANT
from seawall.cli.roles import check_roles
from seawall.cli.token import parse_attributes
from seawall.core.principal import Principal
from seawall.trust import keys
from seawall.trust.tokens import Tokens


@click.command()
@ROLES
@click.option("--user", default="local", show_default=True, help="Who signs in.")
@TENANT
@ATTRIBUTES
@click.option("--ttl", default="15m", show_default=True, help="How long the link waits to be used.")
@DATA
@FORCE
@JSON
def link(roles: Sequence[str], user: str, tenant: str, attributes: Sequence[str], ttl: str, data: Path, force: bool, as_json: bool) -> None:
    """Make a link that signs a browser in, once."""
    record = locate(data, os.environ).read()
    if record is None or not record.running:
        raise NotRunning(
            f"No instance with the data directory {data} is running", fix="Start it with `seawall up`, or name another with --data"
        )
    if not force:
        check_roles(roles, data)
    principal = Principal(user=user, tenant=tenant, roles=tuple(roles), attributes=parse_attributes(attributes))
    url = f"{record.url}/auth/link/{asyncio.run(_code(data, principal, parse_duration(ttl)))}"
    click.echo(msgspec.json.encode({"sign_in_url": url}).decode() if as_json else url)


async def _code(data: Path, principal: Principal, ttl_seconds: float) -> str:
    from seawall.trust.sessions import Sessions

    async with operational(data, "seawall_ui") as database:
        return await Sessions(database, Tokens(keys.load(data / "keys"))).create_link(principal, ttl_seconds)
