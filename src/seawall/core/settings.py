"""What every service process is told by its environment, read once and passed down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from seawall.core.errors import ConfigurationError

DRAIN_SECONDS = 30.0
"""As `Settings` has it, which the reference is made from."""
DRAIN_SECONDS_MAX = 3600.0


class Settings(msgspec.Struct, frozen=True):
    """One process's place in an instance. Directories exist and are private (0700) before a service starts."""

    data: Path
    """`SEAWALL_DATA`: what must survive on this machine: keys, warehouse, summaries, logs."""
    run: Path
    """`SEAWALL_RUN`: unix sockets; short, because a socket's path may have 107 characters."""
    apps: tuple[Path, ...]
    """`SEAWALL_APPS`: app folders, separated by colons."""
    database_url: str
    """`DATABASE_URL`: this service's own role."""
    valkey_url: str
    """`VALKEY_URL`: `unix://…` or `valkey://…`; empty: no second cache level."""
    vector_url: str = ""
    """`VECTOR_URL`: a Postgres with pgvector, a database of its own; `off` empty: none, and similar rows are found by their words."""
    service: str = ""
    """`SEAWALL_SERVICE`: `ui-read`, `ui-write`, `model-proxy`, `workers`, `gateway`."""
    replica: int = 0
    """`SEAWALL_REPLICA`: counts from 0."""
    public_url: str = "http://localhost:8420"
    """`SEAWALL_PUBLIC_URL`: the origin users see, without a trailing slash."""
    otlp_endpoint: str = ""
    """`OTEL_EXPORTER_OTLP_ENDPOINT`: where spans go; `unix:///…/workers-0.sock` by default; empty: nowhere."""
    listen: str = ""
    """`SEAWALL_LISTEN`: `address:port` the gateway opens; empty: `public_url`'s port on 127.0.0.1."""
    tls_certificate: str = ""
    """`SEAWALL_TLS_CERT`: a PEM file (chain) the gateway answers TLS with; empty: plain HTTP."""
    tls_key: str = ""
    """`SEAWALL_TLS_KEY`: its private key."""
    exchanges_kms: str = ""
    """`SEAWALL_EXCHANGES_KMS`: `module:factory`, a key management service that wraps the keys of recorded exchanges; set it before the
    first call is recorded; empty: the keys are in a file."""
    genai_semconv: str = ""
    """`SEAWALL_GENAI_SEMCONV`: OpenTelemetry's names for what a model call's span says: `1.36`, `latest` or `off`; empty: as
    `OTEL_SEMCONV_STABILITY_OPT_IN` says, else `1.36`."""

    drain_seconds: float = 30.0
    """`SEAWALL_DRAIN_SECONDS`: how long requests in flight, a model's answer among them, get to end when an instance is stopped;
    0 to 3600, 30 when empty."""

    @property
    def socket(self) -> Path:
        """The unix socket this replica listens on."""
        return self.run / f"{self.service}-{self.replica}.sock"

    @property
    def secure(self) -> bool:
        """Whether users arrive over TLS."""
        return self.public_url.startswith("https://")

    @property
    def keys(self) -> Path:
        """Signing, cursor and encryption keys."""
        return self.data / "keys"

    @property
    def warehouse(self) -> Path:
        """Parquet generations, a folder an app."""
        return self.data / "warehouse"

    @property
    def summaries(self) -> Path:
        """Last-good answers on this machine's disk."""
        return self.data / "summaries"

    @property
    def bundles(self) -> Path:
        """Apps as they were checked, so that each is checked once."""
        return self.data / "bundles"


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the variables named above. ConfigurationError names the one that is missing or wrong."""
    needed = ["SEAWALL_DATA", "SEAWALL_RUN", "SEAWALL_APPS"]
    if environment.get("SEAWALL_SERVICE") not in ("gateway", "model-engine"):  # which keep nothing, and are not told a password
        needed.append("DATABASE_URL")
    missing = [name for name in needed if not environment.get(name)]
    if missing:
        raise ConfigurationError(
            f"The environment lacks {', '.join(missing)}",
            fix="Start services with `seawall up`, or set the variables as docs/reference/settings.md describes",
        )
    replica = environment.get("SEAWALL_REPLICA", "0")
    if not replica.isdecimal():
        raise ConfigurationError("SEAWALL_REPLICA is not a number", expected="a whole number from 0", got=repr(replica))
    return Settings(
        data=Path(environment["SEAWALL_DATA"]),
        run=Path(environment["SEAWALL_RUN"]),
        apps=tuple(Path(part) for part in environment["SEAWALL_APPS"].split(":") if part),
        database_url=environment.get("DATABASE_URL", ""),
        valkey_url=environment.get("VALKEY_URL", ""),
        vector_url="" if environment.get("VECTOR_URL") == "off" else environment.get("VECTOR_URL", ""),
        service=environment.get("SEAWALL_SERVICE", ""),
        replica=int(replica),
        public_url=public_url(environment.get("SEAWALL_PUBLIC_URL", "")) or "http://localhost:8420",
        otlp_endpoint=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        listen=environment.get("SEAWALL_LISTEN", ""),
        tls_certificate=environment.get("SEAWALL_TLS_CERT", ""),
        tls_key=environment.get("SEAWALL_TLS_KEY", ""),
        exchanges_kms=environment.get("SEAWALL_EXCHANGES_KMS", ""),
        genai_semconv=environment.get("SEAWALL_GENAI_SEMCONV", ""),
        drain_seconds=drain_seconds(environment.get("SEAWALL_DRAIN_SECONDS", "")),
    )


def public_url(text: str) -> str:
    """What `SEAWALL_PUBLIC_URL` says, without a trailing slash. ConfigurationError when it is no origin."""
    url = text.rstrip("/")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and url == f"{parts.scheme}://{parts.netloc}" and parts.port != 0
    except ValueError:
        sound = False
    if url and not sound:
        raise ConfigurationError(
            "SEAWALL_PUBLIC_URL is not an origin", expected="https://HOST or http://HOST:PORT, without a path", got=repr(text[:80])
        )
    return url


def drain_seconds(text: str) -> float:
    """What `SEAWALL_DRAIN_SECONDS` says. ConfigurationError when it is no such number."""
    try:
        seconds = float(text or DRAIN_SECONDS)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= DRAIN_SECONDS_MAX:
        raise ConfigurationError(
            "SEAWALL_DRAIN_SECONDS is not a time", expected=f"seconds from 0 to {DRAIN_SECONDS_MAX:.0f}", got=repr(text[:40])
        )
    return seconds
