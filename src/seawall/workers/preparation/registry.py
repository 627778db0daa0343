"""Named ways to fill an app's tables. An app says `data: {prepare: NAME}`; the code behind the name is ours, never the app's."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.workers.preparation import completejourney, nycflights
from seawall.workers.preparation.errors import UnknownPreparation
from seawall.workers.preparation.plan import Preparation

REGISTERED: Mapping[str, Preparation] = {
    preparation.name: preparation for preparation in (completejourney.PREPARATION, nycflights.PREPARATION)
}


def find(name: str) -> Preparation:
    """The preparation registered as `name`. UnknownPreparation lists those there are."""
    if name not in REGISTERED:
        raise UnknownPreparation(
            f"There is no preparation called {name!r}",
            expected=f"one of {', '.join(sorted(REGISTERED))}",
            got=repr(name),
            fix="Correct data.prepare in app.yaml, or leave it out when the tables are already there",
        )
    return REGISTERED[name]
