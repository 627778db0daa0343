"""The keys exchanges are sealed with: each tenant's own, so that who may read one tenant's cannot open another's.

Derived from the instance's by HKDF-SHA256 (RFC 5869) with the tenant's name. After a rotation the newest key seals and all open. The
instance's keys are in a file of their own (0600); with a key management service (`Kms`) that file holds them only wrapped.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections import OrderedDict
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from seawall.core.errors import ConfigurationError, NotFound
from seawall.trust.encryption import KEY_BYTES, Key, Keyring, Sealer, load_or_create_key

FILE = "exchanges.json"
TENANTS_MAX = 1024
_PURPOSE = b"seawall exchanges 1\0"


class KeySource(Protocol):
    """Gives each tenant's keys."""

    def ring(self, tenant: str) -> Keyring:
        """The tenant's keys, the last seals. NotFound when this source may not give them."""

    def refresh(self) -> None:
        """Take up keys that were added since. May read a small file."""


class Kms(Protocol):
    """A key management service, as far as it is needed: it alone can unwrap what it wrapped. Both calls block."""

    def wrap(self, secret: bytes) -> bytes:
        """Encrypt a key with one that never leaves the service."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key again. Unavailable when the service is away or refuses."""


class FileKeys:
    """Keys derived from those in a file, which is made when it is missing."""

    def __init__(self, path: Path, kms: Kms | None = None) -> None:
        self._path = path
        self._kms = kms
        self._seen = 0
        self._master = Keyring(())
        self._rings: OrderedDict[str, Keyring] = OrderedDict()
        self.refresh()

    def ring(self, tenant: str) -> Keyring:
        """The tenant's keys."""
        ring = self._rings.get(tenant)
        if ring is None:
            ring = self._rings[tenant] = derived(self._master, tenant)
            if len(self._rings) > TENANTS_MAX:
                self._rings.popitem(last=False)
        return ring

    def refresh(self) -> None:
        """Read the file again when it has changed."""
        changed = self._path.stat().st_mtime_ns if self._path.exists() else -1
        if changed != self._seen:
            self._master = load_or_create_key(self._path) if self._kms is None else _unwrapped(self._path, self._kms)
            self._rings.clear()
            self._seen = self._path.stat().st_mtime_ns

    def rotate(self) -> None:
        """Put a fresh key last, in one step; running services take it up with their next segment."""
        self.refresh()
        _write(self._path, self._master.rotated(), self._kms)
        self.refresh()


class TenantKeys:
    """One tenant's keys and nobody else's: what a tenant's own reader is given."""

    def __init__(self, tenant: str, ring: Keyring) -> None:
        self._tenant = tenant
        self._ring = ring

    def ring(self, tenant: str) -> Keyring:
        """The tenant's keys. NotFound for any other."""
        if tenant != self._tenant:
            raise NotFound("This reader has no key for that tenant's exchanges", expected=self._tenant, got=tenant[:80])
        return self._ring

    def refresh(self) -> None:
        """There are no others."""


def derived(master: Keyring, tenant: str) -> Keyring:
    """A tenant's keys."""
    return Keyring(tuple(Key(key.id, _derive(key.secret, tenant)) for key in master.keys))


def pseudonym(ring: Keyring, user: str) -> str:
    """A name for a user that only the tenant's first key can connect with them, and that outlives rotations."""
    return hmac.new(ring.keys[0].secret, b"user\0" + user.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:16]


def sealer(ring: Keyring) -> Sealer:
    """What seals and opens with a tenant's keys."""
    return Sealer(ring)


def _derive(secret: bytes, tenant: str) -> bytes:
    info = _PURPOSE + tenant.encode("utf-8", "surrogatepass")
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def _unwrapped(path: Path, kms: Kms) -> Keyring:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, Keyring((Key(1, secrets.token_bytes(KEY_BYTES)),)), kms)
    try:
        listed = msgspec.json.decode(path.read_bytes(), type=dict[int, str])
        kept = {number: base64.b64decode(text) for number, text in listed.items()}
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigurationError(f"{path.name} is not a file of wrapped keys", fix="Restore it from a backup") from error
    if any(len(wrapped) <= KEY_BYTES for wrapped in kept.values()):
        raise ConfigurationError(
            f"{path.name} holds keys as they are, and none that a key management service has wrapped",
            fix="Unset SEAWALL_EXCHANGES_KMS, or move the file away with what was recorded: both are made anew",
        )
    return Keyring(tuple(Key(number, kms.unwrap(wrapped)) for number, wrapped in kept.items()))


def _write(path: Path, ring: Keyring, kms: Kms | None) -> None:
    kept = {key.id: base64.b64encode(key.secret if kms is None else kms.wrap(key.secret)).decode() for key in ring.keys}
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(kept))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
