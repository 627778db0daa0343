"""The embedded engines' files: private, idempotent, nothing open."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from seawall.store import embedded_postgres, embedded_valkey
from seawall.store.embedded_postgres import EmbeddedPostgres
from seawall.store.embedded_valkey import EmbeddedValkey


def _postgres(tmp_path: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(Path("/bin"), tmp_path / "postgres", Path("/run/x"))


def _initialised(postgres: EmbeddedPostgres) -> None:
    postgres.draft.mkdir()
    (postgres.draft / "PG_VERSION").write_text("18\n")


def test_passwords_are_made_once(tmp_path: Path) -> None:
    """After the cluster is made the same passwords open it at every start."""
    postgres = _postgres(tmp_path)
    first = embedded_postgres.prepare(postgres)
    _initialised(postgres)
    embedded_postgres.adopt(postgres)
    assert embedded_postgres.prepare(postgres) == first
    assert set(first) == set(embedded_postgres.ROLES)
    assert len(set(first.values())) == len(first)


def test_an_interrupted_initdb_is_begun_again(tmp_path: Path) -> None:
    """What it left is removed, so that initdb finds nothing in its way."""
    postgres = _postgres(tmp_path)
    embedded_postgres.prepare(postgres)
    _initialised(postgres)
    embedded_postgres.prepare(postgres)
    assert not postgres.draft.exists()
    assert not postgres.initialised


def test_the_server_opens_no_port_and_asks_for_passwords(tmp_path: Path) -> None:
    """One socket, scram for everybody, no `trust` line."""
    postgres = _postgres(tmp_path)
    embedded_postgres.prepare(postgres)
    _initialised(postgres)
    embedded_postgres.adopt(postgres)
    settings = (postgres.cluster / "postgresql.conf").read_text()
    assert "listen_addresses = ''" in settings
    assert "unix_socket_directories = '/run/x'" in settings
    assert "unix_socket_permissions = 0700" in settings
    assert (postgres.cluster / "pg_hba.conf").read_text().splitlines()[1:] == ["local all all scram-sha-256"]


def test_the_superuser_s_password_file_goes_with_initdb(tmp_path: Path) -> None:
    """It exists only while initdb may read it."""
    postgres = _postgres(tmp_path)
    embedded_postgres.prepare(postgres)
    assert (postgres.root / "initdb.password").stat().st_mode & 0o777 == 0o600
    _initialised(postgres)
    embedded_postgres.adopt(postgres)
    assert not (postgres.root / "initdb.password").exists()
    assert (postgres.root / "passwords.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("identity", ["self", "namespace"])
def test_postgres_urls_carry_any_password(tmp_path: Path, identity: embedded_postgres.Identity) -> None:
    """Characters that mean something in a URL are escaped."""
    postgres = EmbeddedPostgres(Path("/bin"), tmp_path, Path("/run/x"), identity)
    parts = urlsplit(postgres.url("seawall_ui", {"seawall_ui": "a/b@c:d?e"}))
    assert unquote(parts.password or "") == "a/b@c:d?e"
    assert parts.query == "host=/run/x"


def test_valkey_knows_only_the_services(tmp_path: Path) -> None:
    """The default user is off, passwords are kept as hashes, no port is opened, nothing is saved."""
    valkey = EmbeddedValkey(Path("/bin/valkey-server"), tmp_path / "valkey", Path("/run/x"))
    passwords = embedded_valkey.prepare(valkey)
    users = (valkey.root / "users.acl").read_text()
    assert users.startswith("user default off\n")
    assert set(passwords) == {"seawall_ui", "seawall_workers", "seawall_model_proxy"}
    assert not any(password in users for password in passwords.values())
    assert "port 0\n" in (valkey.root / "valkey.conf").read_text()
    assert embedded_valkey.prepare(valkey) != passwords


def test_the_wheels_hold_the_programs(tmp_path: Path) -> None:
    """Both engines are found without importing their wrappers."""
    assert (embedded_postgres.embedded_postgres(tmp_path, tmp_path, "self").binaries / "postgres").exists()
    assert embedded_valkey.embedded_valkey(tmp_path, tmp_path).binary.exists()
