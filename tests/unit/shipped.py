"""The apps that come with Seawall, read and checked once for all tests that look at them: nothing changes a bundle."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from seawall.app.check import check
from seawall.app.faults import Fault
from seawall.app.model import Bundle

APPS = Path(__file__).parents[2] / "apps"


@cache
def checked(name: str) -> tuple[Bundle | None, tuple[Fault, ...]]:
    """What `seawall check` makes of one."""
    return check(APPS / name)


def shipped(name: str) -> Bundle:
    """One that has no faults."""
    bundle, faults = checked(name)
    assert bundle is not None, [str(fault) for fault in faults]
    return bundle
