"""What must be true before services start: roles, migrations, keys, data, and a link to sign in with.

Guarantees: running it again changes nothing that is right already, and a failure says in one sentence what to do. It runs as
a process of its own, so that the supervisor neither holds database credentials' powers nor the memory of data preparation.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from seawall.app.load import load_bundle
from seawall.app.model import Bundle
from seawall.app.names import operational_schema
from seawall.cli.supervisor_report import PreparationLine, Progress
from seawall.cli.who import who
from seawall.core.errors import ConfigurationError, SeawallError, Unavailable
from seawall.core.principal import Principal
from seawall.core.settings import Settings
from seawall.query.generations import Generations, NoGeneration
from seawall.store.app_schemas import make_schemas
from seawall.store.embedded_postgres import read_passwords
from seawall.store.migrations import VECTOR_DIRECTORY, migrate
from seawall.store.postgres import Database, open_pool
from seawall.trust import keys
from seawall.trust.sessions import Sessions
from seawall.trust.tokens import Tokens


def say(line: PreparationLine) -> None:
    """One line to the supervisor."""
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


async def prepare_instance(settings: Settings, environment: Mapping[str, str], *, as_json: bool) -> None:
    """Make everything ready. Errors are told to the supervisor, then raised."""
    try:
        with _told_of("DATABASE_URL", environment):
            await _prepare_all(settings, environment, as_json=as_json)
    except (SeawallError, OSError) as error:
        if as_json:
            say(PreparationLine(error=_sentence(error)))
        raise


async def _prepare_all(settings: Settings, environment: Mapping[str, str], *, as_json: bool) -> None:
    bundles = [load_bundle(folder, settings.bundles) for folder in settings.apps]
    await _prepare_schema(settings, environment, bundles)
    database = Database(await open_pool(settings.database_url, min_size=1, max_size=1))
    try:
        await _prepare_data(settings, database, bundles, _say_progress if as_json else _draw_progress)
        if as_json:
            say(PreparationLine(sign_in=await _sign_in_code(settings, database, bundles)))
    finally:
        await database.close()


@contextmanager
def _told_of(variable: str, environment: Mapping[str, str]) -> Iterator[None]:
    """What a Postgres refuses, in its own words and with the variable that names it: whoever starts an instance can mend that."""
    try:
        yield
    except (psycopg.Error, Unavailable) as error:
        cause = error.__cause__ if isinstance(error, Unavailable) else error
        if environment.get("SEAWALL_SUPERUSER_URL") or not isinstance(cause, psycopg.Error):
            raise
        kind = Unavailable if isinstance(cause, psycopg.OperationalError) else ConfigurationError
        words = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        if cause.sqlstate is None and isinstance(cause, psycopg.ProgrammingError):
            words = "an address that cannot be read"  # and is not repeated: it may hold a password
        fix = f"Mend {variable}, or unset it to use the embedded one"
        raise kind(f"The Postgres that {variable} names cannot be used", got=words, fix=fix) from error


async def _prepare_schema(settings: Settings, environment: Mapping[str, str], bundles: Sequence[Bundle]) -> None:
    """Migrations and the apps' schemas, with an embedded Postgres also roles before and their rights after."""
    schemas = [operational_schema(bundle.app.name) for bundle in bundles if "operational" in bundle.app.engines]
    superuser_url = environment.get("SEAWALL_SUPERUSER_URL", "")
    if not superuser_url:
        await migrate(settings.database_url)
        await make_schemas(settings.database_url, schemas, grant=False)
        return
    from seawall.store.embedded_roles import grant, make_roles

    await make_roles(superuser_url, read_passwords(Path(environment["SEAWALL_PASSWORDS"])))
    await migrate(settings.database_url)
    await grant(settings.database_url)
    await make_schemas(settings.database_url, schemas, grant=True)


async def _prepare_data(settings: Settings, database: Database, bundles: Sequence[Bundle], progress: Callable[[str, float], None]) -> None:
    from seawall.workers.preparation import prepare

    generations = Generations(settings.warehouse, database)
    for folder, bundle in zip(settings.apps, bundles, strict=True):
        try:
            await prepare(folder, generations, progress)
        except (SeawallError, OSError) as error:
            if not _has_data(generations, bundle.app.name):
                raise
            say(PreparationLine(note=f"{bundle.app.name} keeps its earlier data: {_sentence(error)}"))


def _has_data(generations: Generations, app: str) -> bool:
    """Old data is better than no instance: pages say how old theirs is."""
    try:
        generations.current(app)
    except NoGeneration:
        return False
    return True


async def _sign_in_code(settings: Settings, database: Database, bundles: Sequence[Bundle]) -> str:
    """A link for whoever started the instance: every role its apps declare, as they own the data directory anyway."""
    operator = Principal(user=who(), roles=tuple(dict.fromkeys(role for bundle in bundles for role in bundle.app.roles)))
    return await Sessions(database, Tokens(keys.load_or_create(settings.keys))).create_link(operator)


async def prepare_vectors(environment: Mapping[str, str]) -> None:
    """Migrations of the vector store; with an embedded one also roles before and their rights after. ConfigurationError, Unavailable."""
    from seawall.store.embedded_roles import VECTOR_GRANTS, grant, make_roles, make_vector_extension

    url = environment.get("VECTOR_URL", "")
    if url in ("", "off"):
        raise ConfigurationError("There is no vector store", expected="VECTOR_URL, a Postgres with pgvector")
    superuser_url = environment.get("SEAWALL_SUPERUSER_URL", "")
    if superuser_url:
        await make_roles(superuser_url, read_passwords(Path(environment["SEAWALL_PASSWORDS"])))
        await make_vector_extension(superuser_url)
    with _told_of("VECTOR_URL", environment):
        await migrate(url, directory=VECTOR_DIRECTORY)
    if superuser_url:
        await grant(url, VECTOR_GRANTS)


def _say_progress(table: str, done: float) -> None:
    say(PreparationLine(progress=Progress(table, done)))


def _draw_progress(table: str, done: float) -> None:
    sys.stderr.write(f"{done:4.0%} {table}\n")


def _sentence(error: SeawallError | OSError) -> str:
    if isinstance(error, SeawallError):
        return error.sentence()
    fix = "Free some space and start again; what was there before is untouched." if error.errno == errno.ENOSPC else ""
    return f"{error.strerror or error}: {error.filename or 'the data directory'}. {fix}".strip()
