"""Small files that are whole or not there: written beside their place, then put into it in one step, readable by their owner only.

Blocking. OSError when the disk is full or gone; then what was there is there still.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace_whole(path: Path, content: bytes, *, lasting: bool = False) -> None:
    """Put `content` in the place of whatever is there; `lasting`: also when the power fails right afterwards."""
    with _written(path, content, lasting=lasting) as draft:
        draft.replace(path)


def create_whole(path: Path, content: bytes) -> bool:
    """Put `content` there for good, unless something is there: of several processes that try at once one succeeds."""
    with _written(path, content, lasting=True) as draft:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return False
    return True


@contextmanager
def _written(path: Path, content: bytes, *, lasting: bool) -> Iterator[Path]:
    """A draft that is gone afterwards, whatever happens."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
