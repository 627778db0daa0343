"""Who runs a command, for what is kept of it."""

from __future__ import annotations

import getpass
import os


def who() -> str:
    """The user's name; in a container that knows none for its user, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
