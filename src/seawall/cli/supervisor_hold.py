"""A unit that has ended is let lie for a while: a drill takes something away and decides when it comes back.

`<data>/holds/<label>.json` names who holds it, by pid and start time, until when and why. A hold ends when its file is removed, its holder
is gone or its time is over, at most `HOLD_S_MAX` after it was taken: a drill that is killed takes nothing away for good.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import msgspec

from seawall.cli.instance import Instance
from seawall.cli.supervisor_process import is_alive, start_ticks
from seawall.core.errors import InvalidInput

HOLD_S_MAX = 900.0


class Hold(msgspec.Struct, frozen=True):
    """What such a file says."""

    pid: int
    started_ticks: int
    until: float
    """Seconds since 1970."""
    why: str


def take(instance: Instance, label: str, why: str, seconds: float) -> None:
    """Let the unit lie when it ends, for at most `seconds`. InvalidInput when that is too long."""
    if not 0 < seconds <= HOLD_S_MAX:
        raise InvalidInput("Nothing is held that long", expected=f"more than 0 and at most {HOLD_S_MAX:.0f} s", got=f"{seconds:g} s")
    instance.holds.mkdir(mode=0o700, exist_ok=True)
    hold = Hold(os.getpid(), start_ticks(os.getpid()) or 0, time.time() + seconds, why)
    draft = instance.holds / f".{label}.new"
    draft.write_bytes(msgspec.json.encode(hold))
    draft.replace(instance.holds / f"{label}.json")


def let_go(instance: Instance, label: str) -> None:
    """The unit starts again."""
    (instance.holds / f"{label}.json").unlink(missing_ok=True)


def held(instance: Instance, label: str, *, now: Callable[[], float] = time.time) -> str:
    """Why the unit is to lie; empty when it is not."""
    try:
        hold = msgspec.json.decode((instance.holds / f"{label}.json").read_bytes(), type=Hold)
    except (OSError, msgspec.MsgspecError):
        return ""
    return hold.why if now() < min(hold.until, now() + HOLD_S_MAX) and is_alive(hold.pid, hold.started_ticks) else ""
