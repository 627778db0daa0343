"""Static files by name."""

import base64
import hashlib
from pathlib import Path

import pytest

from seawall.ui.assets import Assets


def build(folder: Path) -> Assets:
    (folder / "build").mkdir()
    (folder / "seawall.css").write_text("body{}")
    (folder / "build" / "seawall.abc.js").write_text("1")
    (folder / "build" / "seawall.abc.js.br").write_bytes(b"br")
    (folder / "build" / "manifest.json").write_text('{"seawall.js": "seawall.abc.js"}')
    return Assets(folder)


def test_a_built_asset_is_served_under_its_hash(tmp_path: Path) -> None:
    """A hashed name never changes its content, so it may be kept for ever."""
    assets = build(tmp_path)
    found = assets.get(assets.url("seawall.js"))
    assert found is not None
    assert (found.body, found.brotli, found.immutable, found.media_type) == (b"1", b"br", True, "text/javascript; charset=utf-8")


def test_without_a_build_the_source_is_served(tmp_path: Path) -> None:
    """A checkout that was never built still has its style."""
    found = build(tmp_path).get("/static/seawall.css")
    assert found is not None
    assert not found.immutable


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    """A URL is a key in a table, never a path."""
    assets = build(tmp_path)
    for path in ("/static/../secret", "/static/build/manifest.json", "/static/build/seawall.abc.js.br", "/static/", "/etc/passwd"):
        assert assets.get(path) is None


def test_a_sheet_stands_in_a_document_by_its_hash(tmp_path: Path) -> None:
    """The policy names exactly the text between the tags; a sheet that would end the element is refused."""
    build(tmp_path)
    (tmp_path / "seawall.css").write_text("body{}\n")
    inline = Assets(tmp_path).inline("seawall.css")
    digest = base64.b64encode(hashlib.sha256(b"body{}").digest()).decode()
    assert (inline.text, inline.source) == ("body{}", f"'sha256-{digest}'")
    (tmp_path / "seawall.css").write_text("a::before{content:'</style>'}")
    with pytest.raises(ValueError, match="markup"):
        Assets(tmp_path).inline("seawall.css")
