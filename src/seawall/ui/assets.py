"""Script and style by name: `asset("seawall.js")` is the hashed build's URL, or the plain source's when nothing was built.

Files are read once, at start, with their brotli twin where the build made one: serving a file touches no disk. Only files
listed here can be asked for, so no path from a request ever reaches the file system.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
import xxhash

STATIC = Path(__file__).parent / "static"
PREFIX = "/static/"
BUILT = "/static/build/"
"""Everything the build writes there is named by its content, the chunks too that no manifest lists."""
STYLE_SHEET = "seawall.css"
"""Stands in every page, so that a first visit paints without asking for anything else."""
MANIFEST = "build/manifest.json"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


class Asset(msgspec.Struct, frozen=True):
    """A file as it is served."""

    body: bytes
    brotli: bytes
    """Empty when there is no compressed twin."""
    media_type: str
    etag: str
    immutable: bool
    """Its name holds its hash."""


class Inline(msgspec.Struct, frozen=True):
    """A file as it stands in a document."""

    text: str
    source: str
    """How a content security policy allows exactly this text (https://www.w3.org/TR/CSP3/#grammardef-hash-source)."""


class Assets:
    """Everything under `/static/`."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._urls = _manifest(folder / MANIFEST)
        self._files = {PREFIX + path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if _servable(path)}
        self._assets = {url: _load(path, immutable=url.startswith(BUILT)) for url, path in self._files.items()}

    def url(self, name: str) -> str:
        """Where `name` is served. An unknown name gives the unhashed address (which answers 404)."""
        return self._urls.get(name, PREFIX + name)

    def inline(self, name: str) -> Inline:
        """The style sheet `name` for the inside of `<style>`, empty when there is none. ValueError when it would end the element."""
        found = self._assets.get(self.url(name))
        body = found.body.strip() if found else b""
        if b"</" in body or b"<!--" in body:
            raise ValueError(f"{name} cannot stand inside <style>: it has markup in it")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return Inline(body.decode(), f"'sha256-{digest}'")

    def get(self, path: str) -> Asset | None:
        """The file at a URL path."""
        return self._assets.get(path)


@cache
def default_assets() -> Assets:
    """The assets shipped with this package."""
    return Assets()


def asset(name: str) -> str:
    """The URL of the shipped asset `name`."""
    return default_assets().url(name)


def _manifest(path: Path) -> Mapping[str, str]:
    """Name → URL path. Without a build there is none; values may be bare file names of the build folder."""
    if not path.is_file():
        return {}
    names = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    return {name: value if value.startswith("/") else BUILT + value for name, value in names.items()}


def _servable(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".json", ".br", ".map") and not path.name.startswith(".")


def _load(path: Path, *, immutable: bool) -> Asset:
    body = path.read_bytes()
    twin = path.with_name(path.name + ".br")
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(
        body=body,
        brotli=twin.read_bytes() if twin.is_file() else b"",
        media_type=media_type,
        etag=f'"{xxhash.xxh3_64_hexdigest(body)}"',
        immutable=immutable,
    )
