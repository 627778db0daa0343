"""Sealed values open only whole, under their own context, with a key we know."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.errors import ConfigurationError
from seawall.trust.encryption import Key, Keyring, NotSealedByUs, Sealer, load_or_create_key

SEALER = Sealer(bytes(32))


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_opens(plain: bytes, context: bytes) -> None:
    """The same bytes come back."""
    assert SEALER.open(SEALER.seal(plain, context), context) == plain


@given(st.binary(max_size=50), st.data())
def test_a_changed_byte_is_refused(plain: bytes, data: st.DataObject) -> None:
    """Any single byte altered, anywhere, and it does not open."""
    sealed = bytearray(SEALER.seal(plain, b"here"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NotSealedByUs):
        SEALER.open(bytes(sealed), b"here")


@pytest.mark.parametrize("sealed", [b"", b"\x00", b"\x00" * 28, SEALER.seal(b"x", b"there")], ids=["nothing", "short", "made up", "moved"])
def test_nonsense_and_values_moved_are_refused(sealed: bytes) -> None:
    """Too short, made up, or sealed for another place."""
    with pytest.raises(NotSealedByUs):
        SEALER.open(sealed, b"here")


def test_keys_rotate() -> None:
    """A new key seals, old ones still open, and one that is gone does not."""
    ring = Keyring((Key(1, b"1" * 32),))
    old = Sealer(ring).seal(b"x", b"")
    rotated = ring.rotated()
    assert Sealer(rotated).open(old, b"") == b"x"
    assert Sealer(rotated).seal(b"x", b"")[0] == 2
    with pytest.raises(NotSealedByUs):
        Sealer(Keyring(rotated.keys[1:])).open(old, b"")
    assert "1111" not in repr(ring)


def test_the_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    """Processes that start together agree on one key, readable by its owner only."""
    path = tmp_path / "keys" / "seal.json"
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(load_or_create_key, [path] * 8))
    assert all(ring == rings[0] for ring in rings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["seal.json"]


@pytest.mark.parametrize("body", ["", "{}x", '{"1": "c2hvcnQ="}', '{"1": "?"}'])
def test_a_broken_key_file_is_named(tmp_path: Path, body: str) -> None:
    """It is never replaced: what it sealed would be lost."""
    path = tmp_path / "seal.json"
    path.write_text(body)
    with pytest.raises(ConfigurationError):
        load_or_create_key(path)
