"""Cassettes: files of exchanges that answer in a provider's place.

An app's own are `cassettes/*.jsonl` in its folder and come with it; what the proxy records goes to `DATA/cassettes/t-TENANT/APP.jsonl`, for
that tenant alone, each line sealed with the tenant's key (and in Base64). Lines that are JSON are read as they are. A recorded file ends
with its day or at `ROLL_BYTES`, and is then `APP.HOUR-SERIAL.jsonl`; models.yaml says how long and how much is kept.

A request is found by its *snapshot*, a digest of what is relevant in it after redaction: so a cassette answers whoever asks, holds nothing
personal, and lines written by hand need no digest. Requests that differ only in what is redacted share an answer. Files are read again when
they change, recorded ones from where they ended. Blocking: call it in a thread.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.digest import digest
from seawall.model_proxy.cache.keys import IRRELEVANT
from seawall.model_proxy.config import Kept
from seawall.model_proxy.exchanges.format import Exchange, encode
from seawall.model_proxy.exchanges.keys import KeySource
from seawall.model_proxy.exchanges.redact import redact
from seawall.model_proxy.exchanges.segments import folder_of, hour_of, prune
from seawall.model_proxy.exchanges.tape import Opened, Tape
from seawall.model_proxy.screen.masks import unkeyed
from seawall.model_proxy.screen.spotlight import unlit
from seawall.trust.encryption import NotSealedByUs, Sealer

FOLDER = "cassettes"
SUFFIX = ".jsonl"
ROLL_BYTES = 32 << 20
"""Half of what is read: several replicas may write to a file at once."""
FILES_MAX = 256
"""Whose places are held in memory; of more, those used last."""


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


class Cassettes:
    """Cassettes of every app and tenant. `apps`: the folder of each app; `keys`: what gives the keys, asked when they are needed (None:
    what is recorded is not sealed)."""

    def __init__(
        self,
        root: Path,
        apps: Mapping[str, Path] = {},
        keys: Callable[[], KeySource] | None = None,
        *,
        kept: Kept = Kept(),  # noqa: B008 -- frozen
        clock: Clock = SYSTEM_CLOCK,
        roll_bytes: int = ROLL_BYTES,
    ) -> None:
        self._root = root
        self._apps = apps
        self._keys = keys
        self._kept = kept
        self._time = clock.time
        self._roll_bytes = roll_bytes
        self._tapes: OrderedDict[Path, Tape] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, tenant: str, app: str, snapshot: str) -> Exchange | None:
        """The exchange that answers, recorded ones before the app's own, of each the newest file's. ConfigurationError for one that is too
        large."""
        folder = self._apps.get(app)
        shipped = sorted((folder / FOLDER).glob(f"*{SUFFIX}"), reverse=True) if folder else []
        paths = [*((path, True) for path in self._recorded(tenant, app)), *((path, False) for path in shipped)]
        opened = _opener(self._keys, tenant)
        with self._lock:
            answers = (self._tape(path).find(snapshot, opened, grows=grows) for path, grows in paths)
            return next((one for one in answers if one is not None), None)

    def add(self, exchange: Exchange) -> None:
        """Record an exchange for its tenant and app. OSError when the disk fails."""
        path = self._own(exchange.tenant, exchange.app)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = encode(exchange)
        if self._keys is not None:
            line = base64.b64encode(_sealer(self._keys(), exchange.tenant).seal(line, _context(exchange.tenant)))
        with self._lock:
            self._roll(path, len(line))
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0) as file:
                file.write(line + b"\n")

    def tidy(self) -> int:
        """Remove recorded files that are too old or too many; how many. An app's own stay. OSError."""
        kept = self._kept
        return prune(self._root, now=self._time(), keep_seconds=kept.keep, bytes_max=kept.max_gb * 1e9, suffix=SUFFIX)

    def _roll(self, path: Path, more: int) -> None:
        """Put a file aside that is of another day, or that would become too large: it has ended."""
        now = self._time()
        with contextlib.suppress(FileNotFoundError):
            about = path.stat()
            if about.st_size + more >= self._roll_bytes or hour_of(about.st_mtime)[:8] != hour_of(now)[:8]:
                path.rename(path.with_name(f"{path.stem}.{hour_of(now)}-{time.time_ns() // 1_000_000:x}{SUFFIX}"))

    def _recorded(self, tenant: str, app: str) -> Sequence[Path]:
        """The newest first."""
        own = self._own(tenant, app)
        return [own, *sorted(own.parent.glob(f"{own.stem}.*{SUFFIX}"), reverse=True)]

    def _own(self, tenant: str, app: str) -> Path:
        return folder_of(self._root, tenant) / f"{quote(app, safe='').replace('.', '%2E')[:200] or '_'}{SUFFIX}"

    def _tape(self, path: Path) -> Tape:
        tape = self._tapes.get(path)
        if tape is None:
            tape = self._tapes[path] = Tape(path, name_of)
            while len(self._tapes) > FILES_MAX:
                self._tapes.popitem(last=False)
        self._tapes.move_to_end(path)
        return tape


def name_of(exchange: Exchange) -> str:
    """What a cassette finds an exchange by."""
    return exchange.snapshot or snapshot_of(exchange.surface, exchange.request)


def read(path: Path, keys: Callable[[], KeySource] | None = None, tenant: str = "") -> dict[str, Exchange]:
    """A cassette's exchanges that have an answer, by snapshot; of several for one request the last. Lines that are none are passed over,
    and so are those that are sealed, without `keys` or for another than `tenant`. ConfigurationError when it is too large."""
    return Tape(path, name_of).all(_opener(keys, tenant))


def _opener(keys: Callable[[], KeySource] | None, tenant: str) -> Opened:
    """Opens a tenant's lines; the key is asked for with the first that is sealed."""
    sealer: list[Sealer] = []

    def opened(line: bytes) -> bytes:
        if line[:1] == b"{" or keys is None:
            return line
        if not sealer:
            sealer.append(_sealer(keys(), tenant))
        return _opened(line, sealer[0], tenant)

    return opened


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
