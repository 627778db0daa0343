"""Signing keys: made once, private, the same for every process."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from seawall.core.errors import ConfigurationError
from seawall.core.principal import Principal
from seawall.trust import keys
from seawall.trust.tokens import Tokens


def test_second_start_reads_the_same_key(tmp_path: Path) -> None:
    """A restart signs nobody out."""
    first, second = keys.load_or_create(tmp_path), keys.load_or_create(tmp_path)
    assert first.kid == second.kid
    assert second.verifies(first.kid, b"message", first.sign(b"message"))


def test_processes_starting_together_agree(tmp_path: Path) -> None:
    """Whoever is first decides; nothing temporary stays behind."""
    with ThreadPoolExecutor(8) as pool:
        kids = set(pool.map(lambda _: keys.load_or_create(tmp_path / "keys").kid, range(16)))
    assert len(kids) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [keys.CURRENT]


def test_private(tmp_path: Path) -> None:
    """Only the owner can read the key and its directory."""
    keys.load_or_create(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / keys.CURRENT).stat().st_mode) == 0o600


def test_jwks_holds_no_private_part(tmp_path: Path) -> None:
    """What the gateway is given can verify and not sign."""
    (key,) = keys.load_or_create(tmp_path).jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert json.dumps(key)


def test_rotation_keeps_old_tokens_valid(tmp_path: Path) -> None:
    """After a rotation the previous key still verifies and the new one signs."""
    old = keys.load_or_create(tmp_path)
    token = Tokens(old).mint(Principal(user="mia"), 60)
    (tmp_path / keys.CURRENT).rename(tmp_path / keys.PREVIOUS)
    new = keys.load_or_create(tmp_path)
    assert new.kid != old.kid
    assert Tokens(new).verify(token).user == "mia"
    assert len(new.jwks()["keys"]) == 2


@pytest.mark.parametrize("private", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate(), None])
def test_foreign_file(tmp_path: Path, private: object) -> None:
    """A key of another kind, or no key, is refused at start with the file's name."""
    pem = (
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        if private
        else b"nonsense"
    )
    (tmp_path / keys.CURRENT).write_bytes(pem)
    with pytest.raises(ConfigurationError, match=keys.CURRENT):
        keys.load_or_create(tmp_path)


def test_missing(tmp_path: Path) -> None:
    """`load` makes nothing and says how a key comes about."""
    with pytest.raises(ConfigurationError, match="seawall up"):
        keys.load(tmp_path)
