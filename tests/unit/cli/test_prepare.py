"""What whoever starts an instance is told of a Postgres of their own that cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seawall.cli.supervisor_prepare import _sign_in_code, prepare_instance, prepare_vectors
from seawall.core.errors import ConfigurationError, SeawallError, Unavailable
from seawall.core.settings import Settings
from seawall.trust import keys
from seawall.trust.sessions import Sessions
from seawall.trust.sessions_memory import MemorySessions
from seawall.trust.tokens import Tokens

NOBODY = "postgresql://user:s3cret@127.0.0.1:1/x"
UNREADABLE = "postgresql://user:s3cret@["


@pytest.mark.parametrize(("url", "kind", "words"), [(NOBODY, Unavailable, "refused"), (UNREADABLE, ConfigurationError, "cannot be read")])
async def test_a_database_that_cannot_be_used_is_named_by_its_variable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, kind: type[SeawallError], words: str
) -> None:
    """With the server's or the library's own words, and without the password; the supervisor is told the same."""
    settings = Settings(data=tmp_path, run=tmp_path, apps=(), database_url=url, valkey_url="")
    with pytest.raises(kind, match=f"DATABASE_URL.*{words}") as caught:
        await prepare_instance(settings, {}, as_json=True)
    told = capsys.readouterr().out
    assert "DATABASE_URL names cannot be used" in told
    assert "s3cret" not in told + caught.value.sentence()


async def test_a_vector_store_that_cannot_be_used_is_named_by_its_variable() -> None:
    """The same for the other store."""
    with pytest.raises(Unavailable, match=r"VECTOR_URL.*refused"):
        await prepare_vectors({"VECTOR_URL": NOBODY})


async def test_a_user_without_a_name_gets_a_link_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that was given a bare number for its user."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_001)
    database, settings = MemorySessions(), Settings(data=tmp_path, run=tmp_path, apps=(), database_url="", valkey_url="")
    code = await _sign_in_code(settings, database, [])  # type: ignore[arg-type]
    signed_in = await Sessions(database, Tokens(keys.load(settings.keys))).redeem(code)
    assert signed_in.principal.user == "uid 4000000001"
