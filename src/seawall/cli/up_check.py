"""Before anything starts: are the apps sound?

The check runs in a process of its own, so that the supervisor, which lives for long, holds none of what checking needs.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path


def sound(folders: Sequence[Path], *, as_json: bool) -> bool:
    """Whether all apps are sound; prints the faults of those that are not as `seawall check` does. Call it while there is one thread."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    status = 1
    try:
        status = 0 if min([_is_sound(folder, as_json=as_json) for folder in folders]) else 1
    except KeyboardInterrupt:
        status = 130
    except Exception:  # noqa: BLE001 -- a process edge: the parent only sees the status
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _is_sound(folder: Path, *, as_json: bool) -> bool:
    from seawall.cli.check import checked_alone, show

    checked, bundle = checked_alone(folder)
    if not checked.ok:
        show(checked, bundle, folder, as_json=as_json)
    return checked.ok
