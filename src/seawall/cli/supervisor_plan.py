"""What a Seawall instance consists of: its units, their order, and what each is told by its environment. Pure.

```
initdb (once) → postgres ─┐
                 valkey ──┴→ prepare ─→ ui-read ×2, ui-write, model-proxy, model-engine, workers, gateway
                                        then: vectors-initdb (once) → vectors → vectors-prepare
```
What follows `prepare` is started with it, so that its imports cost no time of their own, and waits for the file that
`prepare` leaves when it is done. The gateway starts beside the services; it is ready when each has a replica that is.

The vector store starts when pages are served already, and nobody waits for it: an instance starts, serves and stays up without it.

`DATABASE_URL`, `VALKEY_URL` and `VECTOR_URL` in the environment take the place of the embedded engines; `VECTOR_URL=off`: there is no
vector store.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.cli.instance import Instance
from seawall.cli.supervisor_health import HttpProbe, PostgresProbe, ValkeyProbe
from seawall.cli.supervisor_units import Unit
from seawall.core.settings import drain_seconds, public_url
from seawall.store.embedded_postgres import OWNER, SERVICE_ROLES, SUPERUSER, EmbeddedPostgres
from seawall.store.embedded_valkey import SERVICE_USERS, EmbeddedValkey

REPLICAS = {"ui-read": 2, "ui-write": 1, "model-engine": 1, "model-proxy": 1, "workers": 1}
SPARED = ("model-engine", "workers")
"""What an instance can start and serve pages without."""
VECTOR_SERVICES = ("ui-read", "ui-write", "workers")
"""Who is told of the vector store."""
COMMANDS = {
    "ui-read": ("ui", "--lane", "read"),
    "ui-write": ("ui", "--lane", "write"),
    "model-proxy": ("model-proxy",),
    "model-engine": ("model-engine",),
    "workers": ("workers",),
    "gateway": ("gateway",),
    "prepare": ("prepare", "--instance"),
    "vectors-prepare": ("prepare", "--vectors"),
}
VECTORS_AGAIN_S = 30.0
"""A vector store that is away at the start is set up when it is there."""
STOP_GRACE_S_USUAL = 6.0
"""Beyond the time in which calls in flight may end: at the gateway, and at the model proxy, which services ask as well."""
PYTHON = (sys.executable, "-P", "-m", "seawall.cli.main")
"""`-P`: what lies in the user's working directory is not imported."""


class Engines(msgspec.Struct, frozen=True):
    """The embedded engines and their passwords; absent: a URL in the environment replaces it."""

    postgres: EmbeddedPostgres | None = None
    postgres_passwords: dict[str, str] = {}
    valkey: EmbeddedValkey | None = None
    valkey_passwords: dict[str, str] = {}
    vectors: EmbeddedPostgres | None = None
    vectors_passwords: dict[str, str] = {}


class Site(msgspec.Struct, frozen=True):
    """What the plan is for."""

    instance: Instance
    apps: tuple[Path, ...]
    port: int
    environment: dict[str, str]
    """Of the user who started it; handed on to every service."""

    @property
    def url(self) -> str:
        """The origin users see; WebAuthn refuses bare addresses, so it names localhost."""
        return public_url(self.environment.get("SEAWALL_PUBLIC_URL", "")) or f"http://localhost:{self.port}"

    @property
    def drain_s(self) -> float:
        """How long calls in flight get to end when the instance is stopped."""
        return drain_seconds(self.environment.get("SEAWALL_DRAIN_SECONDS", ""))


def plan(site: Site, engines: Engines) -> tuple[Unit, ...]:
    """Every unit of the instance."""
    engine_units = (*_postgres(engines.postgres, "postgres", "initdb"), *_valkey(engines.valkey))
    stores = tuple(unit.name for unit in engine_units if not unit.is_task)
    vectors = tuple(
        _beside(unit) for unit in (*_postgres(engines.vectors, "vectors", "vectors-initdb"), *_vector_preparation(site, engines))
    )
    services = tuple(_service(site, engines, stores, name, replica) for name, count in REPLICAS.items() for replica in range(count))
    return (*engine_units, *vectors, _preparation(site, engines, stores), *services, _gateway(site, engines, stores))


def _beside(unit: Unit) -> Unit:
    """Something that starts when pages are served already, and that pages are served without."""
    return msgspec.structs.replace(unit, after=("gateway",), essential=False, awaited=False)


def _postgres(postgres: EmbeddedPostgres | None, name: str, initdb: str) -> tuple[Unit, ...]:
    if postgres is None:
        return ()
    first = Unit(name=initdb, argv=postgres.initdb_argv(), environment=_LOCALE, identity=postgres.identity)
    server = Unit(
        name=name,
        argv=postgres.argv(),
        environment=_LOCALE,
        needs=() if postgres.initialised else (initdb,),
        probe=PostgresProbe(postgres.socket),
        identity=postgres.identity,
        stop_signal=signal.SIGINT,
        stop_grace_s=10.0,
    )
    return (server,) if postgres.initialised else (first, server)


_LOCALE = {"LC_ALL": "C", "TZ": "UTC"}


def _valkey(valkey: EmbeddedValkey | None) -> tuple[Unit, ...]:
    if valkey is None:
        return ()
    return (Unit(name="valkey", argv=valkey.argv(), environment=_LOCALE, probe=ValkeyProbe(valkey.socket)),)


def _preparation(site: Site, engines: Engines, stores: tuple[str, ...]) -> Unit:
    environment = service_environment(site, engines, "prepare", 0)
    if engines.postgres:
        environment["DATABASE_URL"] = engines.postgres.url(OWNER, engines.postgres_passwords)
        environment["SEAWALL_SUPERUSER_URL"] = engines.postgres.url(SUPERUSER, engines.postgres_passwords, "postgres")
        environment["SEAWALL_PASSWORDS"] = str(engines.postgres.root / "passwords.json")
    return Unit(name="prepare", argv=(*PYTHON, *COMMANDS["prepare"]), environment=environment, needs=stores, stop_grace_s=2.0)


def _vector_preparation(site: Site, engines: Engines) -> tuple[Unit, ...]:
    """Roles and migrations of the vector store, with powers that no service has."""
    given = site.environment.get("VECTOR_URL", "")
    if not engines.vectors and given in ("", "off"):
        return ()
    environment = {name: value for name, value in service_environment(site, engines, "prepare", 0).items() if name != "DATABASE_URL"}
    if engines.vectors:
        environment["VECTOR_URL"] = engines.vectors.url(OWNER, engines.vectors_passwords)
        environment["SEAWALL_SUPERUSER_URL"] = engines.vectors.url(SUPERUSER, engines.vectors_passwords, "postgres")
        environment["SEAWALL_PASSWORDS"] = str(engines.vectors.root / "passwords.json")
    return (
        Unit(
            name="vectors-prepare",
            argv=(*PYTHON, *COMMANDS["vectors-prepare"]),
            environment=environment,
            needs=("vectors",) if engines.vectors else (),
            again_s=VECTORS_AGAIN_S,
            stop_grace_s=2.0,
        ),
    )


def _service(site: Site, engines: Engines, stores: tuple[str, ...], name: str, replica: int) -> Unit:
    return Unit(
        name=name,
        replica=replica,
        argv=(*PYTHON, *COMMANDS[name]),
        environment=service_environment(site, engines, name, replica),
        needs=stores,
        uses=("model-engine",) if name == "model-proxy" else ("vectors",) if engines.vectors and name in VECTOR_SERVICES else (),
        stop_grace_s=STOP_GRACE_S_USUAL + (site.drain_s if name == "model-proxy" else 0.0),
        essential=name not in SPARED,
        probe=HttpProbe(site.instance.run / f"{name}-{replica}.sock"),
    )


def _gateway(site: Site, engines: Engines, stores: tuple[str, ...]) -> Unit:
    return Unit(
        name="gateway",
        argv=(*PYTHON, *COMMANDS["gateway"]),
        environment={"SEAWALL_LISTEN": f"127.0.0.1:{site.port}"} | service_environment(site, engines, "gateway", 0),
        needs=stores,
        uses=tuple(REPLICAS),
        probe=HttpProbe(site.instance.run / "gateway-0.sock"),
        drain_s=site.drain_s,
    )


def prepared_file(run: Path) -> Path:
    """Left by `prepare` when it is done; services wait for it."""
    return run / "prepared"


def service_environment(site: Site, engines: Engines, name: str, replica: int) -> dict[str, str]:
    """The variables `core/settings.py` reads, over those the user has set."""
    run = site.instance.run
    given: Mapping[str, str] = site.environment
    environment = dict(given) | {
        "SEAWALL_DATA": str(site.instance.data),
        "SEAWALL_RUN": str(run),
        "SEAWALL_APPS": ":".join(str(app) for app in site.apps),
        "SEAWALL_SERVICE": name,
        "SEAWALL_REPLICA": str(replica),
        "SEAWALL_PUBLIC_URL": site.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": given.get("OTEL_EXPORTER_OTLP_ENDPOINT", f"unix://{run}/workers-0.sock"),
        "PYTHONUNBUFFERED": "1",
        "SEAWALL_SUPERVISED": "1",
        "SEAWALL_PREPARED": str(prepared_file(site.instance.run)),
    }
    if engines.postgres and name in SERVICE_ROLES:
        environment["DATABASE_URL"] = engines.postgres.url(SERVICE_ROLES[name], engines.postgres_passwords)
    if engines.valkey and name in SERVICE_USERS:
        environment["VALKEY_URL"] = engines.valkey.url(SERVICE_USERS[name], engines.valkey_passwords)
    if engines.vectors and name in VECTOR_SERVICES:
        environment["VECTOR_URL"] = engines.vectors.url(SERVICE_ROLES[name], engines.vectors_passwords)
    return environment
