"""Load an app folder as an immutable bundle."""

from __future__ import annotations

from pathlib import Path

from seawall.app.check import check
from seawall.app.faults import InvalidApp
from seawall.app.model import Bundle


def load_bundle(folder: Path) -> Bundle:
    """The bundle of a folder without faults. InvalidApp, carrying every fault, otherwise."""
    bundle, faults = check(folder)
    if bundle is None:
        raise InvalidApp(faults)
    return bundle
