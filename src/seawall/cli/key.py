"""`seawall key`: keys for machines that call models.

They are made by whoever owns the instance's data directory (or its database); no service may make one.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

import click
import msgspec

from seawall.app.durations import parse_duration
from seawall.cli.operational import operational
from seawall.cli.options import ATTRIBUTES, DATA, JSON
from seawall.cli.token import parse_attributes
from seawall.core.errors import InvalidInput
from seawall.model_proxy.call import Limits
from seawall.model_proxy.keys import AccountPeriod, KeyBudget, ListedKey, MachineKeys, NewKey
from seawall.model_proxy.scopes import DEFAULT_SCOPES, parse_scopes

_BUDGET = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?:/([a-z]+))?")
NANODOLLARS = 1_000_000_000


class CreatedKey(msgspec.Struct, frozen=True):
    """What `create --json` prints. `key` is shown this once."""

    key: str
    id: str
    name: str
    tenant: str
    scopes: tuple[str, ...]
    expires_at: float | None
    """Seconds since 1970; null: never."""


@click.group()
def key() -> None:
    """Keys for machines that call models: make, list, revoke."""


@key.command()
@click.argument("name")
@click.option("--tenant", default="default", show_default=True, help="Who is billed, and whose data.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="chat, embeddings, models, eval, prompts:APP/PROMPT, prompts:APP/*; may be repeated.  [default: chat, embeddings, models]",
)
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="A role of an app, for its prompts; may be repeated.")
@ATTRIBUTES
@click.option(
    "--requests", type=click.IntRange(0), default=0, help="Requests a minute, beside the limits of models.yaml; 0: no limit of its own."
)
@click.option("--tokens", type=click.IntRange(0), default=0, help="Tokens a minute; 0: no limit of its own.")
@click.option("--streams", type=click.IntRange(0), default=0, help="Answers in progress at once; 0: no limit of its own.")
@click.option(
    "--budget", metavar="USD[/PERIOD]", help="What it may spend, like 20 or 2.50/day: an hour, day, week, month (default) or total."
)
@click.option("--ttl", default=None, help="How long it works, like 90d.  [default: until revoked]")
@DATA
@JSON
def create(
    name: str,
    tenant: str,
    scopes: Sequence[str],
    roles: Sequence[str],
    attributes: Sequence[str],
    requests: int,
    tokens: int,
    streams: int,
    budget: str | None,
    ttl: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """Make a key named NAME and print it, this once."""
    new = NewKey(
        name,
        tenant,
        parse_scopes(scopes or DEFAULT_SCOPES),
        tuple(roles),
        parse_attributes(attributes),
        Limits(requests, tokens, streams),
        parse_budget(budget) if budget else None,
        parse_duration(ttl) if ttl else None,
    )
    created = asyncio.run(_create(data, new))
    click.echo(msgspec.json.encode(created).decode() if as_json else created.key)


@key.command("list")
@DATA
@JSON
def list_keys(data: Path, as_json: bool) -> None:
    """List keys, the newest first, with what those with a budget have spent."""
    found = asyncio.run(_list(data))
    if as_json:
        click.echo(msgspec.json.encode({"keys": found}).decode())
        return
    click.echo(f"{'ID':<18}{'NAME':<20}{'TENANT':<12}{'STATE':<9}{'EXPIRES':<12}{'SPENT':<22}SCOPES")
    now = time.time()
    for one in found:
        state, expires = one.state(now), _day(one.expires_at)
        click.echo(f"{one.id:<18}{one.name:<20}{one.tenant:<12}{state:<9}{expires:<12}{_spent(one):<22}{' '.join(one.scopes)}")


@key.command()
@click.argument("key")
@click.option("--tenant", default="default", show_default=True, help="Whose, when KEY is a name.")
@DATA
@JSON
def revoke(key: str, tenant: str, data: Path, as_json: bool) -> None:
    """End KEY (its id or name) at once, for good."""
    key_id = asyncio.run(_revoke(data, key, tenant))
    click.echo(msgspec.json.encode({"revoked": key_id}).decode() if as_json else f"Revoked {key_id}.")


def parse_budget(text: str) -> KeyBudget:
    """`2.50/day` as nano-dollars and a period."""
    match = _BUDGET.fullmatch(text)
    periods = get_args(AccountPeriod)
    if match is None or (match[2] or "month") not in periods:
        raise InvalidInput(
            "A budget is not as it should be", expected=f"USD or USD/PERIOD with one of {', '.join(periods)}", got=repr(text[:40])
        )
    whole, _, fraction = match[1].partition(".")
    return KeyBudget(int(whole) * NANODOLLARS + int(fraction.ljust(9, "0") or 0), cast("AccountPeriod", match[2] or "month"))


async def _create(data: Path, new: NewKey) -> CreatedKey:
    async with _keys(data) as keys:
        made, shown = await keys.create(new)
    return CreatedKey(shown, made.id, made.name, new.tenant, new.scopes, made.expires_at)


async def _list(data: Path) -> Sequence[ListedKey]:
    async with _keys(data) as keys:
        return await keys.list()


async def _revoke(data: Path, word: str, tenant: str) -> str:
    async with _keys(data) as keys:
        return await keys.revoke(word, tenant)


@asynccontextmanager
async def _keys(data: Path) -> AsyncIterator[MachineKeys]:
    from seawall.store.embedded_postgres import OWNER

    async with operational(data, OWNER) as database:
        yield MachineKeys(database)


def _day(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat() if at is not None else "never"


def _spent(one: ListedKey) -> str:
    if one.budget is None:
        return "-"
    return f"{one.billed / NANODOLLARS:.2f} of {one.budget / NANODOLLARS:.2f}/{one.period}"
