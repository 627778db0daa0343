"""The embedded engines under the real `seawall up`: who may do what in them, and what survives a kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import valkey
from tests.integration.engine_house import EngineHouse, refused
from tests.waiting import until

SERVICES = ("seawall_ui", "seawall_workers", "seawall_model_proxy")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture
def house(data: Path) -> Iterator[EngineHouse]:
    """Every test starts them again on the same data."""
    made = EngineHouse(data)
    yield made
    made.close()


@pytest.mark.parametrize("role", SERVICES)
def test_no_service_may_change_the_schema(house: EngineHouse, role: str) -> None:
    """Neither make a table, nor drop one, nor become somebody else."""
    for sql in (
        "CREATE TABLE seawall.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "DROP TABLE seawall.sessions",
        "SET ROLE seawall_owner",
    ):
        assert refused(house.urls[role], sql), sql


def test_each_service_may_do_what_it_is_for(house: EngineHouse) -> None:
    """The ui keeps sessions, the workers move generations, the model proxy does neither."""
    ui, workers, proxy = (house.urls[role] for role in SERVICES)
    assert not refused(ui, "SELECT * FROM seawall.sessions")
    assert refused(ui, "DELETE FROM seawall.generations")
    assert not refused(workers, "DELETE FROM seawall.current_generations")
    assert refused(workers, "SELECT * FROM seawall.sessions")
    assert refused(workers, "SELECT * FROM seawall.sign_in_links")
    assert refused(proxy, "SELECT * FROM seawall.sessions")
    assert not refused(proxy, "SELECT * FROM seawall.migrations")


def test_every_table_is_granted_to_somebody(house: EngineHouse) -> None:
    """A migration that adds a table must say in embedded_roles.sql who uses it: directly, or through a function alone."""
    sql = """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'seawall' AND c.relkind = 'r'
          AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) AS granted WHERE granted.grantee <> c.relowner)
          AND NOT EXISTS (
            SELECT FROM pg_proc p, aclexplode(p.proacl) AS granted
            WHERE p.prosecdef AND p.prosrc ~ ('seawall\\.' || c.relname || '\\M') AND granted.grantee NOT IN (0, p.proowner))
    """
    with psycopg.connect(house.urls["seawall_owner"]) as connection:
        assert connection.execute(sql).fetchall() == []


def test_a_wrong_password_opens_nothing(house: EngineHouse) -> None:
    """Being on the socket is not enough, for the superuser either."""
    for role in (*SERVICES, "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{role}:wrong@/postgres?host={house.instance.run}")


def test_services_enter_their_own_database_only(house: EngineHouse) -> None:
    """Not `postgres`, not the template."""
    for name in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(house.urls["seawall_ui"].replace("/seawall?", f"/{name}?"))


def test_valkey_answers_nobody_unknown(house: EngineHouse) -> None:
    """The default user is off."""
    with (
        pytest.raises(valkey.exceptions.ConnectionError, match="Authentication"),
        valkey.Valkey(unix_socket_path=str(house.instance.run / "valkey.sock")) as client,
    ):
        client.get("anything")


def test_a_killed_postgres_comes_back_with_what_was_committed(house: EngineHouse) -> None:
    """kill -9 of the server: the supervisor starts it, it recovers, rows are there."""
    owner = house.urls["seawall_owner"]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS seawall.kept AS SELECT 42 AS answer")
    before = house.kill("postgres")
    assert until(lambda: answered(owner, "SELECT answer FROM seawall.kept")) == (42,)
    until(lambda: house.unit("postgres").pid != before)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("DROP TABLE seawall.kept")


def answered(url: str, sql: str) -> tuple[object, ...] | None:
    """Its first row; None while nobody answers."""
    try:
        with psycopg.connect(url, connect_timeout=1) as connection:
            return connection.execute(sql).fetchone()
    except psycopg.OperationalError:
        return None


def test_everything_killed_at_once_recovers(data: Path) -> None:
    """Supervisor and Postgres killed together, as by a power cut: the next start is ready again."""
    house = EngineHouse(data)
    postgres = house.unit("postgres").pid
    house.close(signal.SIGKILL)
    os.kill(postgres, signal.SIGKILL)
    again = EngineHouse(data)
    try:
        assert again.ready["pid"] == again.record().pid
        assert not refused(again.urls["seawall_ui"], "SELECT * FROM seawall.sign_in_links")
    finally:
        again.close()


def test_nothing_of_the_engines_is_readable_by_others(house: EngineHouse) -> None:
    """Directories 0700, secrets 0600, sockets for the owner only."""
    assert house.instance.data.stat().st_mode & 0o077 == 0
    assert house.instance.run.stat().st_mode & 0o077 == 0
    for name in ("postgres/passwords.json", "valkey/users.acl", "keys/signing.pem"):
        assert (house.instance.data / name).stat().st_mode & 0o077 == 0
