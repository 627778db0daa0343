"""Bundles that were checked once, kept on disk so that no other process has to check them again.

Guarantees: what is read back is what was checked, by this very code: a file is named by the digest of the app's files and by
that of the checker (Seawall's own files, the packages installed beside what it is built on, Python's version); it is taken only
when it is a plain file of this user that nobody else may touch and its content has the SHA-256 it begins with. Anything else means
"not kept", and the app is checked anew. Only sound apps are kept; the format holds values of `model.py` and nothing that runs.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from seawall.app.faults import Report, TooManyFaults
from seawall.app.folder import read_folder
from seawall.app.model import Bundle

BYTES_MAX = 256 * 1_048_576
KEPT_MAX = 8
"""The newest so many are kept."""
_SUFFIX = ".bundle"
_SHA256_BYTES = 32
_BUILT_ON = ("sqlglot", "jsonschema", "yaml", "msgspec")
_PACKAGE = Path(__file__).parents[1]


def kept_bundle(folder: Path, kept: Path) -> Bundle | None:
    """The bundle of `folder` if it has been checked before; None: check it."""
    report = Report()
    try:
        files = read_folder(folder, report)
    except TooManyFaults:
        return None
    digest = files.digest()
    content = None if len(report) else _read(kept / _name(digest))
    if content is None:
        return None
    try:
        bundle = msgspec.msgpack.decode(content, type=Bundle)
    except msgspec.DecodeError:
        return None
    return bundle if bundle.digest == digest else None


def keep(bundle: Bundle, kept: Path) -> None:
    """Keep a bundle that was found sound. Does nothing where it cannot be written: it is checked again, then."""
    content = msgspec.msgpack.encode(bundle)
    draft = kept / f".{secrets.token_hex(8)}"
    with suppress(OSError):
        kept.mkdir(mode=0o700, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            draft.replace(kept / _name(bundle.digest))
        finally:
            draft.unlink(missing_ok=True)
        for old in sorted(kept.glob("*" + _SUFFIX), key=lambda path: path.stat().st_mtime)[:-KEPT_MAX]:
            old.unlink(missing_ok=True)


@functools.cache
def checker_version() -> str:
    """Names the code that checks: SHA-256 over everything a verdict may depend on but the app. About 5 ms."""
    version = hashlib.sha256(sys.version.encode())
    for path in sorted(path for path in _PACKAGE.rglob("*") if path.suffix in (".py", ".json") and "static" not in path.parts):
        version.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for installed in sorted(
        {Path(spec.origin).parents[1] for name in _BUILT_ON if (spec := importlib.util.find_spec(name)) and spec.origin}
    ):
        version.update("\n".join(sorted(path.name for path in installed.glob("*.dist-info"))).encode())
    return version.hexdigest()


def _name(digest: str) -> str:
    return f"{digest[:32]}-{checker_version()[:32]}{_SUFFIX}"


def _read(path: Path) -> bytes | None:
    """The content of a file that is ours alone and whole; None otherwise."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077 or found.st_size > BYTES_MAX:
                return None
            data = file.read()
    except OSError:
        return None
    content = data[_SHA256_BYTES:]
    return content if hashlib.sha256(content).digest() == data[:_SHA256_BYTES] else None
