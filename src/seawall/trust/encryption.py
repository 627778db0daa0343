"""Sealing: authenticated encryption of what is kept outside this process's memory.

AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces. A sealed value is `key id (1 byte) | nonce (12) | ciphertext and
tag`; the id is authenticated too. `context` binds a value to its place: sealed under one context it does not open under
another, so a value moved to another key is refused. One key may seal 2³² values; add a newer one before that.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seawall.core.errors import ConfigurationError, SeawallError
from seawall.store.whole_files import create_whole

KEY_BYTES = 32
_NONCE_BYTES = 12
_OVERHEAD_BYTES = 1 + _NONCE_BYTES + 16


class NotSealedByUs(SeawallError):
    """The value was altered, moved, or sealed with a key that is gone."""

    slug = "not-sealed-by-us"


class Key(msgspec.Struct, frozen=True):
    """32 secret bytes and the number (0–255) that sealed values name them by."""

    id: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id})"


class Keyring(msgspec.Struct, frozen=True):
    """The last key seals; all of them open."""

    keys: tuple[Key, ...]

    def rotated(self) -> Keyring:
        """With a fresh key at the end. Ids wrap at 255, so at most 256 keys are kept."""
        fresh = Key((self.keys[-1].id + 1) % 256, secrets.token_bytes(KEY_BYTES))
        return Keyring((*[key for key in self.keys if key.id != fresh.id], fresh))


class Sealer:
    """Seals and opens. Thread-safe."""

    def __init__(self, key: Keyring | bytes) -> None:
        keyring = key if isinstance(key, Keyring) else Keyring((Key(0, key),))
        self._ciphers = {each.id: AESGCM(_checked(each.secret)) for each in keyring.keys}
        self._id = keyring.keys[-1].id
        self._head = bytes([self._id])
        self._cipher = self._ciphers[self._id]

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """`plain`, encrypted and bound to `context`; 29 bytes longer."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._head + nonce + self._cipher.encrypt(nonce, plain, self._head + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed. NotSealedByUs when it, or its context, is not what it was."""
        cipher = self._ciphers.get(sealed[0]) if len(sealed) >= _OVERHEAD_BYTES else None
        if cipher is None:
            raise NotSealedByUs
        try:
            return cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], sealed[:1] + context)
        except InvalidTag:
            raise NotSealedByUs from None


def load_or_create_key(path: Path) -> Keyring:
    """The keys kept at `path` (mode 0600). Made once, even when several processes start together."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_whole(path, msgspec.json.encode({1: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}))
    try:
        listed = msgspec.json.decode(path.read_bytes(), type=dict[int, str])
        return Keyring(tuple(Key(number, _checked(base64.b64decode(text))) for number, text in listed.items()))
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigurationError(
            f"{path.name} is not a key file", expected="JSON of key numbers to base64 keys", fix="Restore it from a backup"
        ) from error


def _checked(secret: bytes) -> bytes:
    if len(secret) != KEY_BYTES:
        raise ConfigurationError("An encryption key has the wrong length", expected=f"{KEY_BYTES} bytes", got=f"{len(secret)} bytes")
    return secret
