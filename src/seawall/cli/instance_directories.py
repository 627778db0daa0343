"""The two directories of an instance.

Guarantees: both are of this user, and private (0700) once they are prepared; one that holds something else is refused, not closed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Set
from pathlib import Path

from seawall.cli.instance import Instance
from seawall.core.errors import ConfigurationError

OURS = frozenset({"instance.lock", "warehouse", "keys", "bundles", "postgres", "vectors"})
"""One of these in a directory tells that it is an instance's data."""
OURS_IN_RUN = frozenset({"postgres", "vectors", "gateway", "prepared"})
"""One of these in a directory for sockets tells the same, whenever its supervisor was killed."""


def claim(instance: Instance) -> None:
    """Make the data directory when there is none. ConfigurationError when it cannot be made, is somebody else's or for something else.

    What is there stays as it is: an instance that runs may have opened it to its Postgres.
    """
    _claim(instance.data, OURS, "Choose another with --data")


def prepare(instance: Instance) -> None:
    """`claim` both directories and make them private. Call with the lock held."""
    _claim(instance.data, OURS, "Choose another with --data", close=True)
    _claim(instance.run, OURS_IN_RUN, "Set XDG_RUNTIME_DIR to a directory of this user, or unset it", close=True)


def _claim(path: Path, ours: Set[str], fix: str, *, close: bool = False) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ConfigurationError(f"{path} is not a directory of this user", fix=f"Remove it. {fix}")
        if stat.S_IMODE(found.st_mode) & 0o077 and not _may_be_closed(path, ours):
            raise ConfigurationError(
                f"{path} holds something else, and Seawall would make it private", expected="a directory of its own", fix=fix
            )
        if close and stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(f"Cannot use the directory {path}", got=error.strerror or str(error), fix=fix) from error


def _may_be_closed(path: Path, ours: Set[str]) -> bool:
    """Whether nobody else needs a directory: it is empty, or Seawall has used it."""
    names = {entry.name for entry in path.iterdir()}
    return names <= {"lost+found"} or bool(names & ours)
