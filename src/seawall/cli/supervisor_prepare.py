"""What must be true before services start: roles, migrations, keys, data, and a link to sign in with.

Guarantees: running it again changes nothing that is right already, and a failure says in one sentence what to do. It runs as
a process of its own, so that the supervisor neither holds database credentials' powers nor the memory of data preparation.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.cli.supervisor_report import PreparationLine, Progress
from seawall.core.errors import SeawallError
from seawall.core.principal import Principal
from seawall.core.settings import Settings
from seawall.store.migrations import migrate
from seawall.store.postgres import Database, open_pool
from seawall.trust import keys
from seawall.trust.sessions import Sessions
from seawall.trust.tokens import Tokens

LINK_TTL_S = 15 * 60.0


def say(line: PreparationLine) -> None:
    """One line to the supervisor."""
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


async def prepare_instance(settings: Settings, environment: Mapping[str, str], *, as_json: bool) -> None:
    """Make everything ready. Errors of ours are told to the supervisor and raised."""
    try:
        await _prepare_database(settings, environment)
        principal = await _prepare_apps(settings, as_json=as_json)
        if as_json:
            say(PreparationLine(sign_in=await _sign_in_code(settings, principal)))
    except SeawallError as error:
        if as_json:
            say(PreparationLine(error=error.sentence()))
        raise


async def _prepare_database(settings: Settings, environment: Mapping[str, str]) -> None:
    superuser_url = environment.get("SEAWALL_SUPERUSER_URL", "")
    made = False
    if superuser_url:
        from seawall.store.embedded_roles import make_roles

        passwords = msgspec.json.decode(Path(environment["SEAWALL_PASSWORDS"]).read_bytes(), type=dict[str, str])
        made = await make_roles(superuser_url, passwords)
    applied = await migrate(settings.database_url)
    if superuser_url and (made or applied):
        from seawall.store.embedded_roles import grant

        await grant(settings.database_url)


async def _prepare_apps(settings: Settings, *, as_json: bool) -> Principal:
    return Principal("operator")


async def _sign_in_code(settings: Settings, principal: Principal) -> str:
    pool = await open_pool(settings.database_url, min_size=1, max_size=1)
    try:
        return await Sessions(Database(pool), Tokens(keys.load_or_create(settings.keys))).create_link(principal, LINK_TTL_S)
    finally:
        await pool.close()
