"""What an instance consists of, and what each part is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.cli.instance import Instance
from seawall.cli.services import drain_s_max
from seawall.cli.supervisor_plan import VECTOR_SERVICES, Engines, Site, plan
from seawall.cli.supervisor_units import Unit
from seawall.core.errors import ConfigurationError
from seawall.core.settings import settings_from
from seawall.model_proxy.service import NOTICE_SECONDS
from seawall.store.embedded_postgres import ROLES, VECTOR_PORT, EmbeddedPostgres
from seawall.store.embedded_valkey import SERVICE_USERS, EmbeddedValkey

PASSWORDS = {role: f"secret-of-{role}" for role in (*ROLES, *SERVICE_USERS.values())}
VECTOR_PASSWORDS = {role: f"vector-word-of-{role}" for role in ROLES}


def _site(**environment: str) -> Site:
    return Site(Instance(Path("/data"), Path("/run/x")), (Path("/apps/one"),), 8420, environment)


def _engines(tmp_path: Path) -> Engines:
    return Engines(
        EmbeddedPostgres(Path("/bin"), tmp_path / "postgres", Path("/run/x")),
        PASSWORDS,
        EmbeddedValkey(Path("/bin/valkey-server"), tmp_path / "valkey", Path("/run/x")),
        PASSWORDS,
        EmbeddedPostgres(Path("/bin"), tmp_path / "vectors", Path("/run/x"), port=VECTOR_PORT),
        VECTOR_PASSWORDS,
    )


def _by_label(units: tuple[Unit, ...]) -> dict[str, Unit]:
    return {unit.label: unit for unit in units}


def test_everything_starts_after_what_it_needs(tmp_path: Path) -> None:
    """Names in `needs` and `uses` exist and come earlier in the plan, so there is no cycle."""
    earlier: set[str] = set()
    for unit in plan(_site(), _engines(tmp_path)):
        assert {*unit.needs, *unit.uses} <= earlier
        earlier.add(unit.name)
    assert earlier == {
        "initdb",
        "postgres",
        "valkey",
        "vectors-initdb",
        "vectors",
        "vectors-prepare",
        "prepare",
        "ui-read",
        "ui-write",
        "model-proxy",
        "model-engine",
        "workers",
        "gateway",
    }


def test_initdb_runs_once(tmp_path: Path) -> None:
    """A cluster that is there is not made again."""
    engines = _engines(tmp_path)
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)
    (tmp_path / "postgres" / "cluster" / "PG_VERSION").write_text("18\n")
    assert "initdb-0" not in _by_label(plan(_site(), engines))


def test_urls_in_the_environment_replace_the_engines() -> None:
    """Then nothing is embedded, and services are told those URLs."""
    units = _by_label(plan(_site(DATABASE_URL="postgresql://db/x", VALKEY_URL="valkey://cache/0"), Engines()))
    assert not {"postgres-0", "valkey-0", "initdb-0"} & units.keys()
    assert units["prepare-0"].needs == ()
    assert units["ui-read-1"].environment["DATABASE_URL"] == "postgresql://db/x"
    assert units["workers-0"].environment["VALKEY_URL"] == "valkey://cache/0"


def test_every_service_reads_its_settings(tmp_path: Path) -> None:
    """The environment of each is complete, and its socket is the one that is probed."""
    for unit in plan(_site(), _engines(tmp_path)):
        if unit.name in ("ui-read", "ui-write", "model-proxy", "model-engine", "workers", "gateway"):
            settings = settings_from(unit.environment)
            assert settings.socket == unit.probe.socket
            assert (settings.service, settings.replica) == (unit.name, unit.replica)


def test_no_service_is_told_another_role_s_password(tmp_path: Path) -> None:
    """Least privilege begins with not knowing the others' secrets."""
    for unit in plan(_site(), _engines(tmp_path)):
        told = {role for role, secret in PASSWORDS.items() if any(secret in value for value in unit.environment.values())}
        expected = {"ui-read": "seawall_ui", "ui-write": "seawall_ui", "model-proxy": "seawall_model_proxy", "workers": "seawall_workers"}
        of_vectors = {role for role, word in VECTOR_PASSWORDS.items() if any(word in value for value in unit.environment.values())}
        powers = {"postgres", "seawall_owner"}
        assert told == (powers if unit.name == "prepare" else {expected[unit.name]} if unit.name in expected else set())
        knows = {expected[unit.name]} if unit.name in VECTOR_SERVICES else set()
        assert of_vectors == (powers if unit.name == "vectors-prepare" else knows)


def test_nobody_waits_for_the_vector_store(tmp_path: Path) -> None:
    """It starts once pages are served, may be given up, stops after those who ask it, and has a socket of its own."""
    units = _by_label(plan(_site(), _engines(tmp_path)))
    for label in ("vectors-initdb-0", "vectors-0", "vectors-prepare-0"):
        assert (units[label].after, units[label].essential, units[label].awaited) == (("gateway",), False, False)
    assert units["vectors-0"].probe.socket == Path("/run/x/.s.PGSQL.5433")
    assert all("vectors" in units[label].uses for label in ("ui-read-0", "ui-write-0", "workers-0"))
    assert "port=5433" in units["ui-read-0"].environment["VECTOR_URL"]


def test_a_vector_store_of_one_s_own_or_none(tmp_path: Path) -> None:
    """VECTOR_URL replaces the engine; `off` is none, and services are told so."""
    own = _by_label(plan(_site(VECTOR_URL="postgresql://vectors/x"), Engines()))
    assert "vectors-0" not in own
    assert own["vectors-prepare-0"].environment["VECTOR_URL"] == own["ui-read-0"].environment["VECTOR_URL"] == "postgresql://vectors/x"
    off = _by_label(plan(_site(VECTOR_URL="off"), Engines()))
    assert "vectors-prepare-0" not in off
    assert settings_from({**off["ui-read-0"].environment, "DATABASE_URL": "postgresql://db/x"}).vector_url == ""


def test_the_public_address_names_localhost_unless_told_otherwise() -> None:
    """Passkeys refuse bare addresses; a proxy in front gives its own origin."""
    assert _site().url == "http://localhost:8420"
    assert _site(SEAWALL_PUBLIC_URL="https://boards.example/").url == "https://boards.example"


def test_what_a_model_is_saying_gets_its_time(tmp_path: Path) -> None:
    """The model proxy is killed no sooner than it stops by itself, and the engine it asks goes after it."""
    for site, seconds in ((_site(), 30.0), (_site(SEAWALL_DRAIN_SECONDS="120"), 120.0)):
        units = _by_label(plan(site, _engines(tmp_path)))
        proxy, settings = units["model-proxy-0"], settings_from(units["model-proxy-0"].environment)
        assert settings.drain_seconds == units["gateway-0"].drain_s == seconds
        assert proxy.stop_grace_s > seconds + NOTICE_SECONDS
        assert drain_s_max("model-proxy", settings) > proxy.stop_grace_s
        assert "model-engine" in proxy.uses


@pytest.mark.parametrize("seconds", ["-1", "nan", "soon", "3601"])
def test_a_drain_time_that_is_none_is_told(seconds: str) -> None:
    """Before anything starts."""
    with pytest.raises(ConfigurationError, match="SEAWALL_DRAIN_SECONDS"):
        plan(_site(SEAWALL_DRAIN_SECONDS=seconds), Engines())
