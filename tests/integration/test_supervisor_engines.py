"""The embedded engines under the real `seawall up`: who may do what in them, and what survives a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import valkey
from tests.integration import supervisor_engines

from seawall.cli.instance import InstanceRecord, locate
from seawall.store.embedded_postgres import EmbeddedPostgres

SERVICES = ("seawall_ui", "seawall_workers", "seawall_model_proxy")


class Engines:
    """A running instance with nothing but its engines and its preparation."""

    def __init__(self, data: Path) -> None:
        self.instance = locate(data, os.environ)
        argv = (sys.executable, supervisor_engines.__file__, str(data))
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self._process.stdout.readline())
        passwords = json.loads((self.instance.data / "postgres" / "passwords.json").read_text())
        postgres = EmbeddedPostgres(Path("/"), self.instance.data / "postgres", self.instance.run)
        self.urls = {role: postgres.url(role, passwords) for role in passwords}

    def record(self) -> InstanceRecord:
        found = self.instance.read()
        assert found is not None
        return found

    def pid(self, name: str) -> int:
        return next(service.pid for service in self.record().services if service.name == name)

    def close(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.communicate()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture
def engines(data: Path) -> Iterator[Engines]:
    """Every test starts them again on the same data."""
    made = Engines(data)
    yield made
    made.close()


def _refused(url: str, sql: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute(sql)
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


@pytest.mark.parametrize("role", SERVICES)
def test_no_service_may_change_the_schema(engines: Engines, role: str) -> None:
    """Neither make a table, nor drop one, nor become somebody else."""
    for sql in (
        "CREATE TABLE seawall.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "DROP TABLE seawall.sessions",
        "SET ROLE seawall_owner",
    ):
        assert _refused(engines.urls[role], sql), sql


def test_each_service_may_do_what_it_is_for(engines: Engines) -> None:
    """The ui keeps sessions, the workers move generations, the model proxy does neither."""
    ui, workers, proxy = (engines.urls[role] for role in SERVICES)
    assert not _refused(ui, "SELECT * FROM seawall.sessions")
    assert _refused(ui, "DELETE FROM seawall.generations")
    assert not _refused(workers, "DELETE FROM seawall.current_generations")
    assert _refused(workers, "SELECT * FROM seawall.sessions")
    assert _refused(workers, "SELECT * FROM seawall.sign_in_links")
    assert _refused(proxy, "SELECT * FROM seawall.sessions")
    assert not _refused(proxy, "SELECT * FROM seawall.migrations")


def test_every_table_is_granted_to_somebody(engines: Engines) -> None:
    """A migration that adds a table must say in embedded_roles.sql who uses it: directly, or through a function alone."""
    sql = """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'seawall' AND c.relkind = 'r'
          AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) AS granted WHERE granted.grantee <> c.relowner)
          AND NOT EXISTS (
            SELECT FROM pg_proc p, aclexplode(p.proacl) AS granted
            WHERE p.prosecdef AND p.prosrc ~ ('seawall\\.' || c.relname || '\\M') AND granted.grantee NOT IN (0, p.proowner))
    """
    with psycopg.connect(engines.urls["seawall_owner"]) as connection:
        assert connection.execute(sql).fetchall() == []


def test_a_wrong_password_opens_nothing(engines: Engines) -> None:
    """Being on the socket is not enough, for the superuser either."""
    for role in (*SERVICES, "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{role}:wrong@/postgres?host={engines.instance.run}")


def test_services_enter_their_own_database_only(engines: Engines) -> None:
    """Not `postgres`, not the template."""
    for name in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(engines.urls["seawall_ui"].replace("/seawall?", f"/{name}?"))


def test_valkey_answers_nobody_unknown(engines: Engines) -> None:
    """The default user is off."""
    with (
        pytest.raises(valkey.exceptions.ConnectionError, match="Authentication"),
        valkey.Valkey(unix_socket_path=str(engines.instance.run / "valkey.sock")) as client,
    ):
        client.get("anything")


def test_a_killed_postgres_comes_back_with_what_was_committed(engines: Engines) -> None:
    """kill -9 of the server: the supervisor starts it, it recovers, rows are there."""
    owner = engines.urls["seawall_owner"]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS seawall.kept AS SELECT 42 AS answer")
    before = engines.pid("postgres")
    os.kill(before, signal.SIGKILL)
    assert _eventually(owner, "SELECT answer FROM seawall.kept") == (42,)
    assert engines.pid("postgres") != before
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("DROP TABLE seawall.kept")


def test_everything_killed_at_once_recovers(data: Path) -> None:
    """Supervisor and Postgres killed together, as by a power cut: the next start is ready again."""
    engines = Engines(data)
    postgres = engines.pid("postgres")
    engines.close(signal.SIGKILL)
    os.kill(postgres, signal.SIGKILL)
    again = Engines(data)
    try:
        assert again.ready["pid"] == again.record().pid
        assert not _refused(again.urls["seawall_ui"], "SELECT * FROM seawall.sign_in_links")
    finally:
        again.close()


def test_nothing_of_the_engines_is_readable_by_others(engines: Engines) -> None:
    """Directories 0700, secrets 0600, sockets for the owner only."""
    assert engines.instance.data.stat().st_mode & 0o077 == 0
    assert engines.instance.run.stat().st_mode & 0o077 == 0
    for name in ("postgres/passwords.json", "valkey/users.acl", "keys/signing.pem"):
        assert (engines.instance.data / name).stat().st_mode & 0o077 == 0


def _eventually(url: str, sql: str) -> tuple[object, ...] | None:
    end = time.monotonic() + 15
    while True:
        try:
            with psycopg.connect(url, connect_timeout=1) as connection:
                return connection.execute(sql).fetchone()
        except psycopg.OperationalError:
            assert time.monotonic() < end
            time.sleep(0.05)
