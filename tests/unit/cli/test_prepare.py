"""What whoever starts an instance is told of a Postgres of their own that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.cli.supervisor_prepare import prepare_instance, prepare_vectors
from seawall.core.errors import ConfigurationError, SeawallError, Unavailable
from seawall.core.settings import Settings

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
