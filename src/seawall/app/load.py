"""Load an app folder as an immutable bundle."""

from __future__ import annotations

from pathlib import Path

from seawall.app.faults import InvalidApp
from seawall.app.kept import kept_bundle
from seawall.app.model import Bundle


def load_bundle(folder: Path, kept: Path | None = None) -> Bundle:
    """The bundle of a folder without faults. InvalidApp, carrying every fault, otherwise.

    `kept` names a folder with bundles that were checked before (`kept.py`). What checks is imported when something is checked.
    """
    known = kept_bundle(folder, kept) if kept is not None else None
    if known is not None:
        return known
    from seawall.app.check import check

    bundle, faults = check(folder)
    if bundle is None:
        raise InvalidApp(faults)
    return bundle
