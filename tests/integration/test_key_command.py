"""`seawall key` against a real Postgres, and what a service's role may do with keys and the ledger."""

from __future__ import annotations

import json
import secrets

import psycopg
import pytest
from click.testing import CliRunner
from tests.engines import PostgresServer

from seawall.cli.key import key, parse_budget
from seawall.core.errors import InvalidInput, NotFound
from seawall.model_proxy.keys import hash_secret, split


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs `seawall key …`; what it printed."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def run(*words: str) -> str:
        return CliRunner().invoke(key, words, catch_exceptions=False).output

    return run


def test_a_key_is_shown_once(run: object, database_url: str) -> None:
    """What is printed is kept nowhere: the table has its hash."""
    shown = json.loads(run("create", "ci", "--budget", "2.50/day", "--requests", "60", "--json"))
    key_id, secret = split(shown["key"])
    assert (shown["id"], shown["scopes"]) == (key_id, ["chat", "embeddings", "models"])
    with psycopg.connect(database_url) as connection:
        dump = str(connection.execute("SELECT * FROM seawall.model_keys").fetchall())
    assert hash_secret(secret).hex() in dump
    assert secret not in dump
    (listed,) = json.loads(run("list", "--json"))["keys"]
    assert (listed["budget"], listed["period"], listed["limits"]["requests_per_minute"]) == (2_500_000_000, "day", 60)
    assert secret not in run("list")


def test_a_key_is_ended_by_name_id_or_itself(run: object) -> None:
    """Whoever finds a key in a log can paste it whole; what is not there is told."""
    shown = run("create", "one").strip()
    assert run("revoke", shown) == f"Revoked {split(shown)[0]}.\n"
    run("create", "two", "--tenant", "acme")
    with pytest.raises(NotFound):
        run("revoke", "two")
    assert "Revoked" in run("revoke", "two", "--tenant", "acme")
    assert run("list").count("revoked") == 2


@pytest.mark.parametrize("words", [("x", "--scope", "all"), ("x", "--budget", "-1"), ("a b",), ("x", "--ttl", "soon")])
def test_what_is_no_key_is_refused(run: object, words: tuple[str, ...]) -> None:
    """Before anything is made."""
    with pytest.raises(InvalidInput):
        run("create", *words) and pytest.fail("made")
    assert json.loads(run("list", "--json")) == {"keys": []}


@pytest.mark.parametrize(
    ("text", "nano", "period"), [("20", 20 * 10**9, "month"), ("0.000000001/hour", 1, "hour"), ("3.5/total", 3_500_000_000, "total")]
)
def test_budgets(text: str, nano: int, period: str) -> None:
    """Whole nano-dollars, never a float."""
    assert (parse_budget(text).nanodollars, parse_budget(text).period) == (nano, period)


async def test_the_service_cannot_write_the_ledger(postgres_server: PostgresServer, database_url: str) -> None:
    """The model proxy's role reads keys and calls two functions; it can neither make a key nor touch an entry."""
    from seawall.store.embedded_roles import grant

    with psycopg.connect(database_url, autocommit=True) as owner:
        for role in ("seawall_ui", "seawall_workers", "seawall_model_proxy"):
            owner.execute(f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    await grant(database_url)
    draw = "SELECT granted FROM seawall.draw_allotment(gen_random_uuid(), 1, 'r', 'tenant:a', 'tenant:a', 100, 'month', 10, 1, NULL)"
    with psycopg.connect(database_url.replace("postgres@", "seawall_model_proxy@"), autocommit=True) as service:
        assert service.execute(draw).fetchone() == (10,)
        service.execute("SELECT * FROM seawall.model_keys")
        for forbidden in (
            "UPDATE seawall.account_periods SET billed = 0", "DELETE FROM seawall.ledger", "UPDATE seawall.accounts SET budget = 1",
            f"INSERT INTO seawall.model_keys VALUES ('{secrets.token_hex(8)}')", "UPDATE seawall.model_keys SET revoked_at = NULL",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(forbidden)
    with psycopg.connect(database_url.replace("postgres@", "seawall_ui@")) as ui, pytest.raises(psycopg.errors.InsufficientPrivilege):
        ui.execute(draw)
