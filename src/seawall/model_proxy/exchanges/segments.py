"""Segments: files of sealed batches of exchanges, written by one process, read by anybody with the tenant's key.

```
DATA/exchanges/TENANT/20260108T12-SERIAL.swx = magic "SWX1" | segment id (16 random bytes) | batch*
batch = length (4 bytes, little-endian) | sealed( zstd( JSON Lines ) )
```
A batch is sealed (AES-256-GCM) under its tenant, segment and number, so it can be neither read with another tenant's key, nor moved,
nor repeated. A torn last batch, as a crash leaves it, is passed over; so is a damaged one, and the rest reads. Nobody appends
to another process's segment. Every call blocks: call it in a thread.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec
import zstandard

from seawall.trust.encryption import NotSealedByUs, Sealer

MAGIC = b"SWX1"
SUFFIX = ".swx"
SEGMENT_BYTES_MAX = 64 << 20
BATCH_BYTES_MAX = 32 << 20
"""Of a batch, sealed; longer ones are not believed."""
PLAIN_BYTES_MAX = 128 << 20
_ID_BYTES = 16
_LENGTH = struct.Struct("<I")
_LEVEL = 1


class Batch(msgspec.Struct, frozen=True):
    """What one batch of a segment held."""

    lines: bytes
    damaged: bool = False
    """It cannot be opened; `lines` is empty."""


class Segment:
    """A segment that is being written."""

    def __init__(self, folder: Path, tenant: str, sealer: Sealer, hour: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.tenant = tenant
        self.hour = hour
        self.path = folder / f"{hour}-{time.time_ns() // 1_000_000:x}-{secrets.token_hex(4)}{SUFFIX}"
        self._sealer = sealer
        self._id = secrets.token_bytes(_ID_BYTES)
        self._file = self.path.open("xb", buffering=0)
        self.path.chmod(0o600)
        self._file.write(MAGIC + self._id)
        self._number = 0
        self.bytes = len(MAGIC) + _ID_BYTES

    def append(self, lines: bytes) -> None:
        """Add one batch of JSON Lines. OSError when the disk fails; then what is torn is cut off and the segment is to be closed."""
        plain = zstandard.ZstdCompressor(level=_LEVEL).compress(lines)
        sealed = self._sealer.seal(plain, _context(self.tenant, self._id, self._number))
        try:
            written = self._file.write(_LENGTH.pack(len(sealed)) + sealed)
            if written != _LENGTH.size + len(sealed):
                raise OSError("The disk took only a part of a batch")
        except OSError:
            self._file.truncate(self.bytes)
            raise
        self._number += 1
        self.bytes += written

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def read(path: Path, tenant: str, sealer: Sealer) -> Iterator[Batch]:
    """The batches of a segment, in the order they were written. A file that is not a segment has none."""
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        head = file.read(len(MAGIC) + _ID_BYTES)
        if len(head) < len(MAGIC) + _ID_BYTES or not head.startswith(MAGIC):
            return
        number = 0
        while len(prefix := file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(prefix)
            sealed = file.read(min(length, BATCH_BYTES_MAX))
            if len(sealed) < length:
                return
            yield _opened(sealed, sealer, _context(tenant, head[len(MAGIC) :], number))
            number += 1


def segments(folder: Path) -> list[Path]:
    """The segments of a tenant's folder, oldest first."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file())


def folder_of(root: Path, tenant: str) -> Path:
    """Where a tenant's segments are; any name gives a folder directly beneath `root`."""
    name = quote(tenant, safe="").replace(".", "%2E")
    return root / ("t-" + (name if len(name) <= 200 else f"{name[:130]}~{hashlib.sha256(tenant.encode()).hexdigest()}"))


def tenants(root: Path) -> list[str]:
    """Those that have a folder."""
    return sorted(unquote(path.name[2:]) for path in root.glob("t-*") if path.is_dir())


def hour_of(at: float) -> str:
    """The hour a moment (seconds since 1970) is in, as segments are named."""
    return time.strftime("%Y%m%dT%H", time.gmtime(at))


def prune(root: Path, *, now: float, keep_seconds: float, bytes_max: float, suffix: str = SUFFIX) -> int:
    """Remove segments, or tenants' other files by their `suffix`: those last written to longer than `keep_seconds` ago, then the oldest
    over `bytes_max`; how many."""
    found = []
    for path in root.glob(f"t-*/*{suffix}"):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((about.st_mtime, about.st_size, path))
    found.sort()
    total, removed = sum(size for _, size, _ in found), 0
    for written, size, path in found:
        if now - written <= keep_seconds and total <= bytes_max:
            break
        path.unlink(missing_ok=True)
        total -= size
        removed += 1
    return removed


def _opened(sealed: bytes, sealer: Sealer, context: bytes) -> Batch:
    try:
        plain = sealer.open(sealed, context)
        return Batch(zstandard.ZstdDecompressor().decompress(plain, max_output_size=PLAIN_BYTES_MAX))
    except (NotSealedByUs, zstandard.ZstdError):
        return Batch(b"", damaged=True)


def _context(tenant: str, segment: bytes, number: int) -> bytes:
    return b"exchanges\0" + segment + number.to_bytes(4, "little") + tenant.encode("utf-8", "surrogatepass")
