"""Choosing a key management service by `SEAWALL_EXCHANGES_KMS`."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from seawall.cli.main import cli
from seawall.core.errors import ConfigurationError
from seawall.core.settings import settings_from
from seawall.model_proxy.config import Recording
from seawall.model_proxy.exchanges.keys import FILE, FileKeys
from seawall.model_proxy.exchanges.kms import VARIABLE, load_kms
from seawall.model_proxy.exchanges.recorder import open_recorder

MODULE = '''
class Turned:
    """Wraps by turning around."""

    def wrap(self, secret):
        return b"wrapped" + secret[::-1]

    def unwrap(self, wrapped):
        return wrapped.removeprefix(b"wrapped")[::-1]


def none():
    return None


def wants(something):
    return Turned()
'''


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the operator's own."""
    (tmp_path / "house_kms.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_one_that_is_named_wraps_the_keys(tmp_path: Path) -> None:
    """The file holds nothing that opens a recording without it."""
    given = {"SEAWALL_DATA": str(tmp_path), "SEAWALL_RUN": "/r", "SEAWALL_APPS": "/a", "DATABASE_URL": "x", VARIABLE: "house_kms:Turned"}
    settings = settings_from(given)
    kms = load_kms(settings.exchanges_kms)
    open_recorder(settings.data, Recording(), kms=kms)
    kept = msgspec.json.decode((tmp_path / "keys" / FILE).read_bytes(), type=dict[int, str])
    assert all(base64.b64decode(text).startswith(b"wrapped") for text in kept.values())
    with pytest.raises(ConfigurationError):
        FileKeys(tmp_path / "keys" / FILE)


def test_commands_ask_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation adds a wrapped key."""
    path = tmp_path / "keys" / FILE
    FileKeys(path, load_kms("house_kms:Turned"))
    monkeypatch.setenv(VARIABLE, "house_kms:Turned")
    result = CliRunner().invoke(cli, ["exchanges", "rotate", "--data", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert len(FileKeys(path, load_kms("house_kms:Turned")).ring("acme").keys) == 2


def test_keys_that_were_never_wrapped_are_told_apart(tmp_path: Path) -> None:
    """Nobody is left to guess what the service made of them."""
    FileKeys(tmp_path / FILE)
    with pytest.raises(ConfigurationError, match="none that a key management service has wrapped"):
        FileKeys(tmp_path / FILE, load_kms("house_kms:Turned"))


def test_none_is_named() -> None:
    """The default."""
    assert load_kms("") is None


@pytest.mark.parametrize(
    "named", ["house_kms", "house_kms:", "house_kms:missing", "nowhere:make", ":x", "house_kms:wants", "..:x", "house_kms:none"]
)
def test_what_cannot_be_loaded_is_said(named: str) -> None:
    """With the name and what is wrong with it."""
    with pytest.raises(ConfigurationError, match=VARIABLE):
        load_kms(named)
