"""Cassettes: files of exchanges that answer in a provider's place.

An app's own are `cassettes/*.jsonl` in its folder and come with it; what the proxy records goes to `DATA/cassettes/t-TENANT/APP.jsonl`, for
that tenant alone, each line sealed with the tenant's key (and in Base64). Lines that are JSON are read as they are.

A request is found by its *snapshot*, a digest of what is relevant in it after redaction: so a cassette answers whoever asks, holds nothing
personal, and lines written by hand need no digest. Requests that differ only in what is redacted share an answer. Files are read again when
they change. Blocking: call it in a thread.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from seawall.core.digest import digest
from seawall.model_proxy.cache.keys import IRRELEVANT
from seawall.model_proxy.exchanges.format import Exchange, decode_lines, encode, join
from seawall.model_proxy.exchanges.keys import KeySource
from seawall.model_proxy.exchanges.redact import redact
from seawall.model_proxy.exchanges.segments import folder_of
from seawall.model_proxy.screen.masks import unkeyed
from seawall.model_proxy.screen.spotlight import unlit
from seawall.trust.encryption import NotSealedByUs, Sealer

FOLDER = "cassettes"
FILE_BYTES_MAX = 64 << 20
LOADED_MAX = 16
"""Files held in memory; of more, those used last."""


def snapshot_of(surface: str, request: Mapping[str, Any]) -> str:
    """What a cassette finds a request by."""
    relevant = {name: value for name, value in request.items() if name not in IRRELEVANT}
    return digest(["seawall-snapshot-2", surface, redact(_anywhere(relevant))])[:32]


def _anywhere(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    """The request without what screening made with this instance's keys, so that a cassette answers in every instance."""
    if isinstance(value, str):
        return unkeyed(unlit(value))
    if isinstance(value, dict):
        return {name: _anywhere(member) for name, member in value.items()}
    return [_anywhere(member) for member in value] if isinstance(value, list) else value


class _Tape(msgspec.Struct, frozen=True):
    """One file, as it was last read."""

    stamp: tuple[int, int]
    exchanges: dict[str, Exchange]


class Cassettes:
    """Cassettes of every app and tenant. `apps`: the folder of each app; `keys`: what gives the keys, asked when they are needed (None:
    what is recorded is not sealed)."""

    def __init__(self, root: Path, apps: Mapping[str, Path] = {}, keys: Callable[[], KeySource] | None = None) -> None:
        self._root = root
        self._apps = apps
        self._keys = keys
        self._tapes: OrderedDict[Path, _Tape] = OrderedDict()

    def find(self, tenant: str, app: str, snapshot: str) -> Exchange | None:
        """The exchange that answers, recorded ones before the app's own."""
        for path in self._paths(tenant, app):
            found = self._tape(path, tenant).exchanges.get(snapshot)
            if found is not None:
                return found
        return None

    def add(self, exchange: Exchange) -> None:
        """Record an exchange for its tenant and app. OSError when the disk fails."""
        path = self._own(exchange.tenant, exchange.app)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = encode(exchange)
        if self._keys is not None:
            line = base64.b64encode(_sealer(self._keys(), exchange.tenant).seal(line, _context(exchange.tenant)))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0) as file:
            file.write(line + b"\n")

    def _paths(self, tenant: str, app: str) -> Sequence[Path]:
        folder = self._apps.get(app)
        shipped = sorted((folder / FOLDER).glob("*.jsonl"), reverse=True) if folder else []
        return [self._own(tenant, app), *shipped]

    def _own(self, tenant: str, app: str) -> Path:
        return folder_of(self._root, tenant) / f"{quote(app, safe='').replace('.', '%2E')[:200] or '_'}.jsonl"

    def _tape(self, path: Path, tenant: str) -> _Tape:
        try:
            about = path.stat()
        except OSError:
            return _Tape((0, 0), {})
        stamp = (about.st_mtime_ns, about.st_size)
        tape = self._tapes.get(path)
        if tape is None or tape.stamp != stamp:
            tape = self._tapes[path] = _Tape(stamp, read(path, self._keys, tenant))
            while len(self._tapes) > LOADED_MAX:
                self._tapes.popitem(last=False)
        self._tapes.move_to_end(path)
        return tape


def read(path: Path, keys: Callable[[], KeySource] | None = None, tenant: str = "") -> dict[str, Exchange]:
    """A cassette's exchanges that have an answer, by snapshot; of several for one request the last. Lines that are none are passed over,
    and so are those that are sealed, without `keys` or for another than `tenant`."""
    with path.open("rb") as file:
        data = file.read(FILE_BYTES_MAX)
    lines = [line for line in data.split(b"\n") if line]
    sealer = _sealer(keys(), tenant) if keys is not None and any(line[:1] != b"{" for line in lines) else None
    if sealer is not None:
        data = join(line if line[:1] == b"{" else _opened(line, sealer, tenant) for line in lines)
    whole = [one for one in decode_lines(data) if one.response is not None and not one.error]
    return {one.snapshot or snapshot_of(one.surface, one.request): one for one in whole}


def _opened(line: bytes, sealer: Sealer, tenant: str) -> bytes:
    """A sealed line; nothing when it is not one of the tenant's."""
    try:
        return sealer.open(base64.b64decode(line, validate=True), _context(tenant))
    except (NotSealedByUs, binascii.Error):
        return b""


def _sealer(keys: KeySource, tenant: str) -> Sealer:
    keys.refresh()
    return Sealer(keys.ring(tenant))


def _context(tenant: str) -> bytes:
    return b"seawall cassette 1\0" + tenant.encode("utf-8", "surrogatepass")
