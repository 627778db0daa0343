"""What one gateway is to do, as a value: everything `config.py` renders from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from seawall.core.errors import ConfigurationError
from seawall.core.settings import Settings

CONNECTIONS_MAX = 4096
HEAP_BYTES_MAX = 1 << 30
LOCAL_HOST = "127.0.0.1"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's sockets, keys and limits."""

    run: Path
    """Where the services' sockets are and ours will be."""
    access_log: Path
    jwks: Mapping[str, Sequence[Mapping[str, str]]]
    host: str = LOCAL_HOST
    port: int = 8420
    """0: any free port, for tests."""
    secure: bool = False
    """Users arrive over TLS, here or in front of us: `__Host-` cookies, HSTS."""
    tls_certificate: str = ""
    tls_key: str = ""
    otlp_endpoint: str = ""
    connections_max: int = CONNECTIONS_MAX
    heap_bytes_max: int = HEAP_BYTES_MAX

    @property
    def cookie(self) -> str:
        """The name of the cookie that carries the token."""
        return "__Host-seawall_token" if self.secure else "seawall_token"

    @property
    def directory(self) -> Path:
        """Where the rendered files go."""
        return self.run / "gateway"

    @property
    def admin_socket(self) -> Path:
        """Envoy's own administration interface."""
        return self.run / "gateway-admin.sock"

    @property
    def internal_socket(self) -> Path:
        """Where services call each other."""
        return self.run / "gateway.sock"

    @property
    def health_socket(self) -> Path:
        """Where the supervisor asks for readiness, as of any service."""
        return self.run / "gateway-0.sock"


def plan_of(settings: Settings, jwks: Mapping[str, Sequence[Mapping[str, str]]]) -> Plan:
    """The plan an instance's settings ask for. ConfigurationError when they contradict each other."""
    public = urlsplit(settings.public_url)
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise ConfigurationError("TLS needs a certificate and its key", fix="Set both SEAWALL_TLS_CERT and SEAWALL_TLS_KEY, or neither")
    if settings.tls_certificate and not settings.secure:
        raise ConfigurationError(
            "TLS is on but users are sent to plain HTTP", expected="SEAWALL_PUBLIC_URL=https://…", got=settings.public_url
        )
    host, port = listen_address(settings.listen) if settings.listen else (LOCAL_HOST, public.port or (443 if settings.secure else 80))
    return Plan(
        run=settings.run,
        access_log=settings.data / "logs" / "gateway-access.log",
        jwks=jwks,
        host=host,
        port=port,
        secure=settings.secure,
        tls_certificate=settings.tls_certificate,
        tls_key=settings.tls_key,
        otlp_endpoint=settings.otlp_endpoint,
    )


def listen_address(text: str) -> tuple[str, int]:
    """The address and port in `SEAWALL_LISTEN`. ConfigurationError when it has none; Envoy listens on addresses, not on names."""
    host, _, port = text.rpartition(":")
    try:
        address = str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        address = ""
    if not address or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65536:
        raise ConfigurationError("SEAWALL_LISTEN is not an address", expected="address:port, like 0.0.0.0:8420", got=repr(text[:80]))
    return address, int(port)
