"""`seawall link`: a one-time sign-in link for a local instance, as whoever you want to see it as."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from seawall.app.durations import parse_duration
from seawall.cli.publish import store_url
from seawall.cli.roles import check_roles
from seawall.cli.token import parse_attributes
from seawall.core.errors import ConfigurationError
from seawall.core.principal import Principal
from seawall.trust import keys
from seawall.trust.tokens import Tokens


@click.command()
@click.option("--role", "roles", multiple=True, required=True, metavar="ROLE", help="A role of the app; may be repeated.")
@click.option("--user", default="local", show_default=True, help="Who signs in.")
@click.option("--tenant", default="default", show_default=True, help="Whose data.")
@click.option(
    "--attr", "attributes", multiple=True, metavar="KEY=VALUE", help="What row policies compare with; `a|b` is a list. May be repeated."
)
@click.option("--ttl", default="15m", show_default=True, help="How long the link waits to be used.")
@click.option("--data", default=".seawall", show_default=True, type=click.Path(path_type=Path), help="The instance's data directory.")
@click.option("--force", is_flag=True, help="Also for a role that no app of the instance has.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def link(roles: Sequence[str], user: str, tenant: str, attributes: Sequence[str], ttl: str, data: Path, force: bool, as_json: bool) -> None:
    """Make a link that signs a browser in, once."""
    from seawall.cli.instance import InstanceRecord

    try:
        record = msgspec.json.decode((data / "instance.json").read_bytes(), type=InstanceRecord)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(
            f"There is no instance in {data}", fix="Start it with `seawall up`, or name another with --data"
        ) from error
    if not force:
        check_roles(roles, data)
    principal = Principal(user=user, tenant=tenant, roles=tuple(roles), attributes=parse_attributes(attributes))
    url = f"{record.url}/auth/link/{asyncio.run(_code(data, principal, parse_duration(ttl)))}"
    click.echo(msgspec.json.encode({"sign_in_url": url}).decode() if as_json else url)


async def _code(data: Path, principal: Principal, ttl_seconds: float) -> str:
    from seawall.store.postgres import Database, open_pool
    from seawall.trust.sessions import Sessions

    pool = await open_pool(store_url(data, "seawall_ui"), min_size=1, max_size=1)
    try:
        return await Sessions(Database(pool), Tokens(keys.load(data / "keys"))).create_link(principal, ttl_seconds)
    finally:
        await pool.close()
